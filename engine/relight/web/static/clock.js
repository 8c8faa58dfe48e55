// Shows moments by the reader's own clock, with UTC one hover away. Without this script they are, and say, UTC.
"use strict";
(() => {
  const two = (n) => String(n).padStart(2, "0");
  const ahead = -new Date().getTimezoneOffset();
  if (!ahead) return;
  const zone = `UTC${ahead < 0 ? "−" : "+"}${two(Math.floor(Math.abs(ahead) / 60))}:${two(Math.abs(ahead) % 60)}`;
  const day = (d) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  const time = (d) => `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;

  const tell = (part) => {
    for (const el of part.querySelectorAll("time[data-clock]:not([title])")) {
      const at = new Date(el.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      el.title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
      el.textContent = el.dataset.clock === "day" ? `${day(at)} ${time(at).slice(0, 5)}` : time(at);
    }
    for (const el of part.querySelectorAll("[data-zone]")) el.textContent = zone;
  };

  tell(document);
  // What takes the place of something while the page is open is told in the same way.
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) tell(node.parentNode || node);
  }).observe(document.getElementById("main"), { childList: true, subtree: true });
})();
