// <angen-player src="api/jobs/ID/audio" key="ID" caption="..." seconds="20" autoplay>
//
// Plays a WAV while it is still being written: reads the stream, draws what has come, and plays
// behind it. One element a song; `key` says which song it is, so that the address may change from
// the growing file to the finished one without a break in the music.
//
// For programs: .state ("idle" "loading" "playing" "paused" "waiting" "ended" "error"),
// .currentTime, .readySeconds, .totalSeconds, .complete, .loudness (RMS of what sounds now),
// .play(), .pause(), .seek(s); event "angen-state".
(() => {
  const AHEAD_S = 0.6; // scheduled before it is due
  const SLICE_S = 0.2; // length of a scheduled piece
  const RESERVE_S = 6; // gathered at most before going on after a gap
  const FRAME_MS = 60; // between two positions of the playhead
  const FFT = 1024;
  const LOWEST_HZ = 40;
  const playing = new Set(); // one song sounds at a time

  // ---- WAV ------------------------------------------------------------------------------------

  const TEXT = new TextDecoder("latin1");

  /** Reads a WAV stream as it comes; calls back with the format, then with samples. */
  class WavReader {
    constructor() {
      this.left = new Uint8Array(0);
      this.format = null;
      this.inData = false;
      this.dataLeft = 0; // bytes of sound still to come; what follows them is no sound
    }

    feed(bytes, onSamples) {
      const all = new Uint8Array(this.left.length + bytes.length);
      all.set(this.left);
      all.set(bytes, this.left.length);
      const used = this.inData ? 0 : this.header(all);
      if (!this.inData) {
        this.left = all.slice(used);
        return;
      }
      const sound = Math.min(all.length - used, this.dataLeft);
      const whole = Math.floor(sound / this.format.frameBytes) * this.format.frameBytes;
      this.dataLeft -= whole;
      if (whole) onSamples(this.decode(all.subarray(used, used + whole)));
      this.left = all.slice(used + whole);
    }

    /** Walks over the chunks before the sound; the number of bytes that are done with. */
    header(all) {
      const view = new DataView(all.buffer, all.byteOffset, all.length);
      let at = 12;
      if (all.length < at) return 0;
      if (TEXT.decode(all.subarray(0, 4)) !== "RIFF") throw new Error("not a WAV file");
      while (at + 8 <= all.length) {
        const name = TEXT.decode(all.subarray(at, at + 4));
        const size = view.getUint32(at + 4, true);
        if (name === "data") {
          this.inData = true;
          this.format.frames = Math.floor(size / this.format.frameBytes);
          this.dataLeft = size;
          return at + 8;
        }
        if (at + 8 + size > all.length) return 0;
        if (name === "fmt ") this.format = readFormat(view, at + 8);
        at += 8 + size + (size % 2);
      }
      return 0;
    }

    decode(bytes) {
      const { channels, bits, float, frameBytes } = this.format;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const frames = bytes.length / frameBytes;
      const width = bits / 8;
      const read = float
        ? (at) => view.getFloat32(at, true)
        : bits === 24
          ? (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608
          : (at) => view.getInt16(at, true) / 32768;
      return Array.from({ length: channels }, (_, channel) => {
        const out = new Float32Array(frames);
        for (let i = 0; i < frames; i++) out[i] = read(i * frameBytes + channel * width);
        return out;
      });
    }
  }

  function readFormat(view, at) {
    const tag = view.getUint16(at, true);
    const kind = tag === 0xfffe ? view.getUint16(at + 24, true) : tag;
    const bits = view.getUint16(at + 14, true);
    const channels = view.getUint16(at + 2, true);
    const known = (kind === 1 && (bits === 16 || bits === 24)) || (kind === 3 && bits === 32);
    if (!known) throw new Error("a kind of WAV that this player does not know");
    return {
      channels, bits, float: kind === 3, frames: 0,
      rate: view.getUint32(at + 4, true), frameBytes: (channels * bits) / 8,
    };
  }

  /** The sound so far, growing. */
  class Sound {
    constructor(format) {
      this.rate = format.rate;
      this.expected = format.frames;
      this.frames = 0;
      this.channels = Array.from(
        { length: format.channels }, () => new Float32Array(Math.max(format.frames, 1)),
      );
    }

    add(parts) {
      const need = this.frames + parts[0].length;
      this.channels = this.channels.map((old, channel) => {
        let room = old;
        if (need > room.length) {
          room = new Float32Array(Math.ceil(need * 1.5));
          room.set(old);
        }
        room.set(parts[channel], this.frames);
        return room;
      });
      this.frames = need;
    }
  }

  // ---- Spectra --------------------------------------------------------------------------------

  const WINDOW = Float32Array.from({ length: FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT));
  const COS = Float32Array.from({ length: FFT / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / FFT));
  const SIN = Float32Array.from({ length: FFT / 2 }, (_, i) => -Math.sin((2 * Math.PI * i) / FFT));
  const REVERSED = Uint16Array.from({ length: FFT }, (_, i) => {
    let r = 0;
    for (let b = 0; b < Math.log2(FFT); b++) r |= ((i >> b) & 1) << (Math.log2(FFT) - 1 - b);
    return r;
  });
  const re = new Float32Array(FFT);
  const im = new Float32Array(FFT);

  /** Power of each bin of the FFT samples around `middle`, in re. */
  function spectrum(samples, middle, end) {
    for (let i = 0; i < FFT; i++) {
      const at = middle - FFT / 2 + i;
      re[REVERSED[i]] = at >= 0 && at < end ? samples[at] * WINDOW[i] : 0;
    }
    im.fill(0);
    for (let size = 2; size <= FFT; size *= 2) {
      const half = size / 2;
      const step = FFT / size;
      for (let start = 0; start < FFT; start += size) {
        for (let k = 0; k < half; k++) {
          const a = start + k;
          const b = a + half;
          const c = COS[k * step];
          const s = SIN[k * step];
          const x = re[b] * c - im[b] * s;
          const y = re[b] * s + im[b] * c;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
    for (let i = 0; i < FFT / 2; i++) re[i] = re[i] * re[i] + im[i] * im[i];
    return re;
  }

  // Night to ember to light; the loudest is the brightest.
  const STOPS = [[12, 10, 20], [46, 18, 74], [122, 27, 98], [199, 54, 66], [244, 124, 32], [252, 204, 92], [255, 250, 220]];
  const COLOURS = Array.from({ length: 256 }, (_, i) => {
    const x = (i / 255) * (STOPS.length - 1);
    const low = Math.min(Math.floor(x), STOPS.length - 2);
    return STOPS[low].map((v, c) => Math.round(v + (STOPS[low + 1][c] - v) * (x - low)));
  });

  // ---- The element ----------------------------------------------------------------------------

  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const spoken = (s) => {
    const minutes = Math.floor(s / 60);
    return `${minutes ? `${minutes} min ` : ""}${Math.floor(s % 60)} seconds`;
  };
  const PLAY = '<path d="M8 5.5v13a1 1 0 0 0 1.5.86l11-6.5a1 1 0 0 0 0-1.72l-11-6.5A1 1 0 0 0 8 5.5z"/>';
  const PAUSE = '<path d="M7 5h3.5v14H7zM13.5 5H17v14h-3.5z"/>';

  const STYLE = `
    :host { display: block; container-type: inline-size; color: var(--ink, inherit); }
    * { box-sizing: border-box; }
    .top { display: flex; align-items: center; gap: .875rem; margin-bottom: .75rem; }
    .go { flex: none; width: 3.25rem; height: 3.25rem; border: 0; border-radius: 50%; cursor: pointer;
      background: var(--accent, #d9480f); color: var(--on-accent, #fff); display: grid;
      place-items: center; transition: transform .12s, background .12s; }
    .go:hover { background: var(--accent-strong, #bf3f0d); } .go:active { transform: scale(.95); }
    .go svg { width: 1.6rem; height: 1.6rem; fill: currentColor; }
    .go[disabled] { opacity: .45; cursor: default; }
    :focus-visible { outline: 3px solid var(--focus, #1c7ed6); outline-offset: 2px; }
    .what { min-width: 0; flex: 1; }
    .name { font-weight: 650; line-height: 1.3; overflow: hidden; display: -webkit-box;
      -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow-wrap: anywhere; }
    .state { font-size: .8125rem; color: var(--ink-soft, #666); min-height: 1.2em; }
    .time { flex: none; font-variant-numeric: tabular-nums; font-size: .875rem; color: var(--ink-soft, #666); }
    .view { position: relative; border-radius: .75rem; overflow: hidden; background: #0c0a14; }
    canvas { display: block; width: 100%; }
    .wave { height: 84px; } .spec { height: 132px; border-top: 1px solid #ffffff1a; }
    :host([compact]) .wave { height: 56px; } :host([compact]) .spec { height: 72px; }
    .later { position: absolute; inset: 0 0 0 auto; background: #0c0a1473; pointer-events: none; }
    .head { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff;
      box-shadow: 0 0 8px #000; pointer-events: none; }
    .coming { position: absolute; inset: 0 0 0 auto; pointer-events: none;
      background: repeating-linear-gradient(115deg, #ffffff0d 0 8px, transparent 8px 18px); }
    .hz { position: absolute; right: .4rem; font-size: .6875rem; color: #ffffffb0; pointer-events: none;
      text-shadow: 0 1px 2px #000; }
    input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
    input:focus-visible + .ring { outline: 3px solid var(--focus, #1c7ed6); outline-offset: -3px; }
    .ring { position: absolute; inset: 0; border-radius: .75rem; pointer-events: none; }
    @container (max-width: 24rem) { .time { display: none; } }
  `;

  class AngenPlayer extends HTMLElement {
    static observedAttributes = ["src", "key", "caption", "autoplay"];

    constructor() {
      super();
      this.state = "idle";
      this.at = 0; // seconds, where it stands or last started
      this.attachShadow({ mode: "open" }).innerHTML = `<style>${STYLE}</style>
        <div class="top">
          <button class="go" type="button"><svg viewBox="0 0 24 24" aria-hidden="true"></svg></button>
          <div class="what"><div class="name"></div><div class="state" role="status"></div></div>
          <div class="time" aria-hidden="true"></div>
        </div>
        <div class="view">
          <canvas class="wave" role="img" aria-label="Waveform"></canvas>
          <canvas class="spec" role="img" aria-label="Spectrogram"></canvas>
          <div class="coming" hidden></div><div class="later"></div><div class="head" hidden></div>
          <input type="range" min="0" max="1" step="1" value="0" aria-label="Position"><div class="ring"></div>
        </div>`;
      for (const name of ["go", "name", "state", "time", "wave", "spec", "coming", "later", "head"])
        this[`$${name}`] = this.shadowRoot.querySelector(`.${name}`);
      this.$seek = this.shadowRoot.querySelector("input");
      this.$go.addEventListener("click", () => (this.isOn ? this.pause() : this.play()));
      this.$seek.addEventListener("input", () => this.seek(Number(this.$seek.value)));
      this.tick = this.tick.bind(this);
      this.resized = new ResizeObserver(() => {
        if (this.$wave.clientWidth !== this.shownWidth) this.redraw();
        this.shownWidth = this.$wave.clientWidth;
      });
    }

    connectedCallback() {
      this.resized.observe(this.$wave);
      this.setCaption();
      this.changed();
    }

    disconnectedCallback() {
      this.resized.disconnect();
      this.close();
    }

    attributeChangedCallback(name, before, after) {
      if (before === after || !this.isConnected) return;
      if (name === "caption") this.setCaption();
      else queueMicrotask(() => this.changed()); // when all attributes have come
    }

    get songKey() { return this.getAttribute("key") || this.getAttribute("src") || ""; }
    get isOn() { return this.state === "playing" || this.state === "waiting" || this.wanted; }
    get readySeconds() { return this.sound ? this.sound.frames / this.sound.rate : 0; }
    get totalSeconds() {
      if (this.complete) return this.readySeconds;
      const told = this.sound ? this.sound.expected / this.sound.rate : 0;
      return Math.max(told, this.readySeconds, Number(this.getAttribute("seconds")) || 0);
    }
    get currentTime() {
      if (this.state !== "playing") return this.at;
      return Math.max(0, Math.min(this.readySeconds, this.audio.currentTime - this.zero));
    }
    get loudness() {
      if (this.state !== "playing") return 0;
      const heard = new Float32Array(this.meter.fftSize);
      this.meter.getFloatTimeDomainData(heard);
      return Math.sqrt(heard.reduce((sum, x) => sum + x * x, 0) / heard.length);
    }

    /** Another song, or the same under another address: only the former interrupts. */
    changed() {
      if (!this.isConnected) return;
      const broken = this.state === "error";
      if (this.songKey !== this.loaded || broken) {
        const at = this.songKey === this.loaded ? this.currentTime : 0;
        this.close();
        this.at = at;
        this.open();
      }
      if (!this.hasAttribute("autoplay") || this.autoplayed === this.songKey) return;
      this.autoplayed = this.songKey;
      this.play(); // as soon as there is something to hear
    }

    async open() {
      const src = this.getAttribute("src");
      this.loaded = this.songKey;
      this.began = null;
      this.gap = false;
      this.sound = null;
      this.complete = false;
      this.drawn = this.drawnWave = 0;
      this.setState(src ? "loading" : "idle");
      this.redraw();
      if (!src) return;
      const stop = (this.stream = new AbortController());
      try {
        await this.read(src, stop);
      } catch (error) {
        if (!stop.signal.aborted) this.fail(error);
      }
    }

    async read(src, stop) {
      let answer = await fetch(src, { signal: stop.signal });
      while (answer.status === 404 && this.hasAttribute("coming")) { // queued: no sound yet
        await new Promise((done) => setTimeout(done, 400));
        if (stop.signal.aborted) return;
        answer = await fetch(this.getAttribute("src"), { signal: stop.signal });
      }
      if (!answer.ok) throw new Error(`The sound cannot be fetched (${answer.status}).`);
      const reader = answer.body.getReader();
      const wav = new WavReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (stop.signal.aborted) return;
        if (done) break;
        wav.feed(value, (parts) => {
          this.sound ||= new Sound(wav.format);
          this.sound.add(parts);
        });
        this.progressed();
      }
      if (!this.sound) throw new Error("There is no sound in this file.");
      this.complete = true;
      this.setState(this.state === "loading" ? "paused" : this.state);
      this.redraw();
      this.proceed();
    }

    fail(error) {
      this.wanted = false;
      this.silence();
      this.fault = error instanceof TypeError ? "The connection was lost." : error.message;
      this.setState("error");
    }

    progressed() {
      this.began ??= performance.now(); // of the making, as far as it was heard here
      if (this.state === "loading") this.setState("paused");
      this.proceed();
      this.show();
      this.paint();
    }

    close() {
      this.stream?.abort();
      this.stream = null;
      playing.delete(this);
      this.silence();
      this.audio?.close();
      this.audio = null;
      this.wanted = false;
      this.at = 0;
    }

    // ---- Playing ----

    async play() {
      if (this.state === "error") this.changed();
      if (this.complete && this.at >= this.readySeconds - 0.05) this.at = 0;
      for (const other of [...playing]) {
        if (other === this) continue;
        if (other.group && other.group === this.group) this.at = Math.min(other.currentTime, this.readySeconds);
        other.pause();
      }
      document.querySelectorAll("audio").forEach((other) => other.pause());
      window.angen?.hush?.();
      playing.add(this);
      this.wanted = true;
      await this.proceed();
    }

    get group() { return this.getAttribute("group"); }

    pause() {
      this.at = this.currentTime;
      this.wanted = false;
      this.silence();
      playing.delete(this);
      this.setState(this.sound ? "paused" : this.state);
    }

    seek(seconds) {
      const on = this.isOn;
      this.at = Math.max(0, Math.min(seconds, this.readySeconds));
      this.silence();
      if (on) { this.wanted = true; this.setState("waiting"); this.proceed(); } else this.show();
    }

    /** Start, or go on after a gap, when there is enough to hear. */
    async proceed() {
      if (!this.wanted || this.state === "playing" || !this.sound) { this.show(); return; }
      const ahead = this.readySeconds - this.at;
      const enough = this.complete || ahead >= (this.gap ? this.reserve : SLICE_S);
      if (!enough) { this.setState("waiting"); return; }
      if (ahead <= 0.01) { this.ended(); return; }
      if (!(await this.wake()) || this.state === "playing" || !this.wanted) return;
      playing.add(this);
      this.zero = this.audio.currentTime + 0.06 - this.at;
      this.next = Math.round(this.at * this.sound.rate); // first frame not yet scheduled
      this.pieces = [];
      this.gap = false;
      this.setState("playing");
      this.schedule();
      this.timer = setInterval(() => this.schedule(), 100);
      this.tick();
    }

    /** Seconds to have in hand after a gap: what it takes to go on without another, within reason. */
    get reserve() {
      const spent = (performance.now() - this.began) / 1000;
      const pace = spent > 1 ? this.readySeconds / spent : 1; // seconds made per second
      const missing = Math.max(0, this.totalSeconds - this.at) * Math.max(0, 1 - pace);
      return Math.min(RESERVE_S, Math.max(1, missing));
    }

    async wake() {
      if (!this.audio) {
        this.audio = new AudioContext({ sampleRate: this.sound.rate });
        this.meter = this.audio.createAnalyser();
        this.meter.connect(this.audio.destination);
      }
      if (this.audio.state === "suspended") {
        await Promise.race([this.audio.resume(), new Promise((done) => setTimeout(done, 600))]);
      }
      if (this.audio && this.audio.state === "running") return true;
      this.wanted = false; // the browser wants a click first
      this.setState("paused");
      return false;
    }

    schedule() {
      const { rate } = this.sound;
      const now = this.audio.currentTime;
      while (this.next < this.sound.frames && this.zero + this.next / rate < now + AHEAD_S) {
        const count = Math.min(Math.round(SLICE_S * rate), this.sound.frames - this.next);
        const piece = this.audio.createBuffer(this.sound.channels.length, count, rate);
        this.sound.channels.forEach((samples, channel) =>
          piece.copyToChannel(samples.subarray(this.next, this.next + count), channel));
        const source = this.audio.createBufferSource();
        source.buffer = piece;
        source.connect(this.meter);
        source.start(this.zero + this.next / rate);
        source.onended = () => { this.pieces = this.pieces.filter((other) => other !== source); };
        this.pieces.push(source);
        this.next += count;
      }
      if (this.next >= this.sound.frames && now - this.zero >= this.readySeconds) this.ranOut();
    }

    ranOut() {
      this.at = this.readySeconds;
      this.silence();
      if (this.complete) { this.ended(); return; }
      this.gap = true;
      this.setState("waiting");
    }

    ended() {
      this.wanted = false;
      playing.delete(this);
      this.at = this.readySeconds;
      this.setState("ended");
    }

    silence() {
      clearInterval(this.timer);
      for (const piece of this.pieces || []) { piece.onended = null; piece.stop(); piece.disconnect(); }
      this.pieces = [];
      if (this.state === "playing") this.state = "paused";
    }

    // ---- Showing ----

    setCaption() {
      this.$name.textContent = this.getAttribute("caption") || "";
      this.show();
    }

    setState(state) {
      const before = this.state;
      this.state = state;
      this.setAttribute("data-state", state);
      this.show();
      if (before !== state) this.dispatchEvent(new CustomEvent("angen-state", { bubbles: true, detail: state }));
    }

    tick() {
      this.show();
      if (this.state === "playing") setTimeout(this.tick, FRAME_MS);
    }

    show() {
      const total = this.totalSeconds;
      const now = this.currentTime;
      const share = total ? Math.min(1, now / total) : 0;
      const on = this.isOn;
      this.$go.querySelector("svg").innerHTML = on ? PAUSE : PLAY;
      const name = this.getAttribute("caption") || "the song";
      this.$go.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${name}`);
      this.$go.disabled = !this.getAttribute("src");
      const words = this.words();
      if (this.$state.textContent !== words) this.$state.textContent = words;
      this.$time.textContent = total ? `${clock(now)} / ${clock(total)}` : "";
      this.$head.hidden = !total;
      this.$head.style.left = `${share * 100}%`;
      this.$later.style.width = `${(1 - share) * 100}%`;
      this.$coming.hidden = this.complete || !this.getAttribute("src") || this.state === "error";
      this.$coming.style.width = `${total ? (1 - Math.min(1, this.readySeconds / total)) * 100 : 100}%`;
      this.$seek.max = String(Math.max(1, Math.round(total)));
      this.$seek.value = String(Math.round(now));
      this.$seek.setAttribute("aria-valuetext", `${spoken(now)} of ${spoken(total)}`);
      this.$seek.setAttribute("aria-label", `Position in ${name}`);
    }

    words() {
      if (this.state === "error") return this.fault;
      if (!this.getAttribute("src")) return "";
      if (!this.sound) return this.hasAttribute("coming") ? "The first sound comes soon" : "Loading";
      if (this.complete) return "";
      if (this.state === "waiting") return "Waiting for more of the song";
      return `${clock(this.readySeconds)} of ${clock(this.totalSeconds)} made`;
    }

    redraw() {
      for (const canvas of [this.$wave, this.$spec]) {
        const scale = Math.min(window.devicePixelRatio || 1, 2);
        const width = Math.round(canvas.clientWidth * scale);
        const height = Math.round(canvas.clientHeight * scale);
        if (!width || !height) return;
        canvas.width = width; // also clears it
        canvas.height = height;
      }
      this.drawn = this.drawnWave = 0;
      this.scaleOf = this.totalSeconds;
      this.paint();
    }

    /** Draw what has come since; a little at a time, so that nothing stutters. */
    paint() {
      if (!this.sound || this.painting || !this.$wave.width) return;
      if (this.scaleOf !== this.totalSeconds) { this.redraw(); return; }
      const until = performance.now() + 8;
      this.paintWave();
      while (this.paintColumn() && performance.now() < until);
      if (this.column(this.sound.frames) > this.drawn) {
        this.painting = true;
        requestAnimationFrame(() => { this.painting = false; this.paint(); });
      }
    }

    /** The last whole column that `frames` reach. */
    column(frames) {
      return Math.min(this.$spec.width, Math.floor((frames / this.sound.rate / this.scaleOf) * this.$spec.width));
    }

    paintWave() {
      const { width, height } = this.$wave;
      const pen = this.$wave.getContext("2d");
      const end = this.column(this.sound.frames);
      const perColumn = (this.scaleOf * this.sound.rate) / width;
      const samples = this.sound.channels[0];
      const fill = pen.createLinearGradient(0, 0, 0, height);
      fill.addColorStop(0, "#ffd27a"); fill.addColorStop(0.5, "#f47c20"); fill.addColorStop(1, "#ffd27a");
      pen.fillStyle = fill;
      for (let x = this.drawnWave; x < end; x++) {
        const from = Math.floor(x * perColumn);
        const to = Math.min(this.sound.frames, Math.ceil((x + 1) * perColumn));
        let low = 0;
        let high = 0;
        for (let i = from; i < to; i++) {
          if (samples[i] < low) low = samples[i];
          if (samples[i] > high) high = samples[i];
        }
        const top = (1 - Math.min(1, high)) * 0.5 * height;
        const bottom = (1 - Math.max(-1, low)) * 0.5 * height;
        pen.fillRect(x, top, 1, Math.max(1, bottom - top));
      }
      this.drawnWave = end;
    }

    paintColumn() {
      const { width, height } = this.$spec;
      const end = this.column(this.sound.frames);
      if (this.drawn >= end) return false;
      const middle = Math.round(((this.drawn + 0.5) / width) * this.scaleOf * this.sound.rate);
      const power = spectrum(this.sound.channels[0], middle, this.sound.frames);
      const pen = this.$spec.getContext("2d");
      const image = pen.createImageData(1, height);
      const top = Math.log(this.sound.rate / 2 / LOWEST_HZ);
      for (let y = 0; y < height; y++) {
        const hz = LOWEST_HZ * Math.exp(top * (1 - (y + 0.5) / height));
        const bin = (hz * FFT) / this.sound.rate;
        const low = Math.min(Math.floor(bin), FFT / 2 - 2);
        const here = power[low] + (power[low + 1] - power[low]) * Math.min(1, bin - low);
        const db = 10 * Math.log10(here + 1e-9) + 4 * Math.log2(Math.max(hz, 100) / 1000); // pinkish
        const shade = COLOURS[Math.max(0, Math.min(255, Math.round(((db + 36) / 72) * 255)))];
        image.data.set([...shade, 255], y * 4);
      }
      pen.putImageData(image, this.drawn, 0);
      this.drawn++;
      return true;
    }
  }

  if (!customElements.get("angen-player")) customElements.define("angen-player", AngenPlayer);
  window.angen = Object.assign(window.angen || {}, {
    quiet() { for (const player of [...playing]) player.pause(); },
  });
})();
