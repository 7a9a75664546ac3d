// Small things of the page: a play button for any sound, structure tags, light and dark.
(() => {
  // ---- <angen-play src="..." label="..."> : one sound at a time, through one audio element --------
  const audio = new Audio();
  audio.preload = "none";
  let owner = null;

  function hush() {
    audio.pause();
    if (owner) owner.show(false);
  }

  class AngenPlay extends HTMLElement {
    static observedAttributes = ["src", "label"];

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).innerHTML = `<style>
        :host { display: inline-block; }
        button { width: 2.25rem; height: 2.25rem; border-radius: 50%; border: 0; padding: 2px; cursor: pointer;
          background: conic-gradient(var(--accent, #c2410c) calc(var(--done, 0) * 1%), var(--line, #ccc) 0); }
        span { display: grid; place-items: center; width: 100%; height: 100%; border-radius: 50%;
          background: var(--card, #fff); color: var(--accent-ink, #c2410c); }
        button:hover span { background: var(--accent, #c2410c); color: var(--on-accent, #fff); }
        svg { width: 1.05rem; height: 1.05rem; fill: currentColor; }
        button:focus-visible { outline: 3px solid var(--focus, #1c7ed6); outline-offset: 2px; }
        </style><button type="button"><span><svg viewBox="0 0 24 24" aria-hidden="true"></svg></span></button>`;
      this.button = this.shadowRoot.querySelector("button");
      this.button.addEventListener("click", (event) => { event.stopPropagation(); this.toggle(); });
    }

    connectedCallback() { this.show(false); }

    attributeChangedCallback(name, before, after) {
      if (name === "src" && owner === this && before !== after) hush();
      if (this.isConnected) this.show(owner === this && !audio.paused);
    }

    disconnectedCallback() { if (owner === this) hush(); }

    toggle() {
      if (owner === this && !audio.paused) { hush(); return; }
      if (owner !== this) {
        owner?.show(false);
        owner?.style.setProperty("--done", 0);
        owner = this;
        audio.src = this.getAttribute("src");
      }
      window.angen.quiet?.();
      this.show(true);
      audio.play().catch(() => {
        this.show(false);
        this.button.title = "This browser cannot play this sound.";
      });
    }

    show(on) {
      this.button.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${this.getAttribute("label") || ""}`);
      this.shadowRoot.querySelector("svg").innerHTML = on
        ? '<path d="M7 5h3.5v14H7zM13.5 5H17v14h-3.5z"/>'
        : '<path d="M8 5.5v13l11.5-6.5z"/>';
    }
  }

  audio.addEventListener("timeupdate", () => {
    owner?.style.setProperty("--done", audio.duration ? (100 * audio.currentTime) / audio.duration : 0);
  });
  audio.addEventListener("ended", () => { owner?.show(false); owner?.style.setProperty("--done", 0); });
  if (!customElements.get("angen-play")) customElements.define("angen-play", AngenPlay);

  // ---- Structure tags ---------------------------------------------------------------------------

  /** The lyrics with `tag` on a line of its own where the cursor is, else at the end. */
  function insertTag(text, tag) {
    const box = document.querySelector("#lyrics textarea");
    const whole = text || "";
    const at = box && box.dataset.touched ? box.selectionStart : whole.length;
    const before = whole.slice(0, at);
    const after = whole.slice(at);
    const lead = before && !before.endsWith("\n") ? "\n" : "";
    const tail = after.startsWith("\n") ? "" : "\n";
    const cursor = (before + lead + tag + "\n").length;
    setTimeout(() => {
      if (!box) return;
      box.focus();
      box.setSelectionRange(cursor, cursor);
    }, 80);
    return before + lead + tag + tail + after;
  }

  document.addEventListener("focusin", (event) => {
    if (event.target.closest?.("#lyrics textarea")) event.target.dataset.touched = "1";
  });

  // ---- Fields and questions -----------------------------------------------------------------------

  // A slider whose number is cleared goes back to its default; Gradio would take the lowest value.
  document.addEventListener("blur", (event) => {
    const field = event.target;
    if (!field.matches?.("input[type=number][data-testid=number-input]") || field.value) return;
    field.parentElement.querySelector(".reset-button")?.click();
  }, true);

  // Escape leaves the question before a deletion as "no" would.
  document.addEventListener("keydown", (event) => {
    const keep = document.querySelector("#delete-keep");
    if (event.key === "Escape" && keep?.checkVisibility()) keep.click();
  });

  // ---- The metadata table -----------------------------------------------------------------------

  const fields = (root) => [...root.querySelectorAll("[data-row]:is(input, textarea)")];

  /** What was changed and not saved: {row: {field: text}} as JSON. */
  function edits() {
    const found = {};
    for (const field of fields(document).filter((each) => each.value !== each.defaultValue)) {
      (found[field.dataset.row] ||= {})[field.dataset.field] = field.value;
    }
    return JSON.stringify(found);
  }

  /** Ids of the rows that are ticked, as JSON. */
  function chosen() {
    const boxes = document.querySelectorAll("[data-choose]:checked");
    return JSON.stringify([...boxes].map((box) => box.dataset.choose));
  }

  /** Ids of the recordings that are ticked, as JSON. */
  function ticked() {
    const boxes = document.querySelectorAll("[data-tick]:checked");
    return JSON.stringify([...boxes].map((box) => box.dataset.tick));
  }

  function showChanges(root) {
    const changed = fields(root).filter((each) => each.value !== each.defaultValue);
    for (const field of fields(root)) field.classList.toggle("changed", changed.includes(field));
    const place = document.querySelector("#unsaved .count");
    if (place) place.textContent = changed.length ? `${changed.length} unsaved` : "";
  }

  function watchTable(root) {
    root.addEventListener("input", () => showChanges(root));
    root.addEventListener("change", (event) => {
      if (event.target.dataset.all === undefined) return;
      root.querySelectorAll("[data-choose]").forEach((box) => { box.checked = event.target.checked; });
    });
  }

  /** Drawn anew by the server: what stands there is what is saved. */
  function freshTable(root) {
    for (const field of fields(root)) field.value = field.defaultValue;
    root.querySelectorAll("[data-choose], [data-all]").forEach((box) => { box.checked = false; });
    showChanges(root);
  }

  // ---- Light and dark ---------------------------------------------------------------------------

  const SCHEME = "angen-scheme";

  function setDark(dark) {
    document.body.classList.toggle("dark", dark);
    document.querySelectorAll(".scheme").forEach((button) => {
      button.setAttribute("aria-pressed", String(dark));
    });
  }

  function switchScheme() {
    const dark = !document.body.classList.contains("dark");
    localStorage.setItem(SCHEME, dark ? "dark" : "light");
    setDark(dark);
  }

  function rememberScheme() {
    const kept = localStorage.getItem(SCHEME);
    if (kept) setDark(kept === "dark");
  }

  window.angen = Object.assign(window.angen || {}, { hush, insertTag, switchScheme, rememberScheme,
    edits, chosen, ticked, watchTable, freshTable });
})();
