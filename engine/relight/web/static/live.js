// Keeps a run's page true while it is open. Without this script the page says the same, as of when it was loaded.
"use strict";
(() => {
  let ahead = 0; // of the server's clock, over ours, in milliseconds

  const two = (n) => String(n).padStart(2, "0");
  const span = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  const rough = (ms) => {
    const s = Math.max(0, Math.round(ms / 1000));
    if (s < 100) return `${s}s`;
    const m = Math.round(s / 60);
    return m < 100 ? `${m}m` : m < 2880 ? `${Math.floor(m / 60)}h${two(m % 60)}` : `${Math.floor(m / 1440)}d`;
  };
  const tick = () => {
    const now = Date.now() + ahead;
    for (const el of document.querySelectorAll("time[data-tick]")) {
      const at = Date.parse(el.dateTime);
      el.textContent =
        el.dataset.tick === "until" ? span(at - now) : el.dataset.tick === "since" ? span(now - at) : rough(now - at);
    }
  };

  const page = document.querySelector("[data-live]");
  if (!page) return;
  const line = document.getElementById("line");
  const say = (text, tone) => { line.textContent = text; line.className = `line ${tone}`; };

  // What somebody has typed is theirs: it is put back into the form that takes the place of the one they typed it in.
  const typed = (part) => Array.from(part.querySelectorAll("input:not([type=hidden]),textarea"), (e) => [e.name, e.value]);
  const put = (name, html) => {
    const part = document.getElementById(name);
    if (!part) return;
    const kept = typed(part), at = document.activeElement, named = part.contains(at) ? at.id : "";
    htmx.swap(part, html, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    for (const [field, value] of kept) {
      const again = part.querySelector(`[name="${CSS.escape(field)}"]:not([type=hidden])`);
      if (again) again.value = value;
    }
    if (named && document.getElementById(named)) document.getElementById(named).focus();
  };

  let tries = 0;
  const follow = () => {
    const source = new EventSource(page.dataset.live);
    source.addEventListener("clock", (event) => { ahead = Number(event.data) - Date.now(); tries = 0; say("Live", "good"); });
    source.addEventListener("parts", (event) => {
      for (const [name, html] of Object.entries(JSON.parse(event.data))) put(name, html);
      const spoken = document.querySelector("#spoken [data-title]");
      if (spoken) document.title = spoken.dataset.title;
      tick();
    });
    source.addEventListener("end", () => { source.close(); say("The run is over", "calm"); });
    source.onerror = () => {
      // A browser comes again by itself after a broken line, and not after a refusal: that may be over in a while.
      if (source.readyState !== EventSource.CLOSED) return say("Not live: looking for the server", "bad");
      tries += 1;
      if (tries > 8) return say("Not live: load the page again", "bad");
      say("Not live: trying again", "bad");
      setTimeout(follow, 2000 * tries * (0.5 + Math.random()));
    };
  };
  setInterval(tick, 1000);
  follow();
})();
