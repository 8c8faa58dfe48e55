"""Page caches, and which node is asked for which page."""

import json
from collections import OrderedDict
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path


@lru_cache(maxsize=4096)
def shard(page: int, nodes: tuple[str, ...]) -> str:
    """Return the node that keeps *page*: the one that draws the highest number for it.

    So every node keeps its own share of the pages, and a new node takes some from each of the others.
    """
    return max(nodes, key=lambda node: blake2b(f"{page}-> {node}".encode(), digest_size=8).digest())


class PageCache:
    """The pages of one node, the least recently used leaving first.

    It is handed on by the node's disk, as a proxy's cache is: a deploy does not make a node cold.
    """

    def __init__(self, capacity: int, file: Path) -> None:
        self._capacity = capacity
        self._file = file
        self._pages: OrderedDict[int, str] = OrderedDict()
        if file.exists():
            for page, text in json.loads(file.read_text()):
                self.put(page, text)

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, page: int) -> str | None:
        """Return the page and make it the most recent."""
        text = self._pages.get(page)
        if text is not None:
            self._pages.move_to_end(page)
        return text

    def peek(self, page: int) -> str | None:
        """Return the page and leave the order as it is."""
        return self._pages.get(page)

    def put(self, page: int, text: str) -> None:
        """Keep a page."""
        self._pages[page] = text
        self._pages.move_to_end(page)
        if len(self._pages) > self._capacity:
            self._pages.popitem(last=False)

    def save(self) -> None:
        """Write everything to the node's disk."""
        self._file.write_text(json.dumps(list(self._pages.items())))
