// <angen-level for="selector of a player">: how loud its song is, measured where it is heard.
// Integrated loudness after ITU-R BS.1770-4 (K weighting, two gates), peak, and crest.
(() => {
  /** Coefficients of the two filters of the K weighting at `rate` hertz, after De Man 2014. */
  function kWeighting(rate) {
    const shelf = (() => {
      const k = Math.tan((Math.PI * 1681.9744509555319) / rate);
      const gain = 10 ** (3.99984385397 / 20);
      const middle = gain ** 0.499666774155;
      const q = 0.7071752369554196;
      const a0 = 1 + k / q + k * k;
      return [(gain + (middle * k) / q + k * k) / a0, (2 * (k * k - gain)) / a0,
        (gain - (middle * k) / q + k * k) / a0, (2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0];
    })();
    const pass = (() => {
      const k = Math.tan((Math.PI * 38.13547087613982) / rate);
      const q = 0.5003270373238773;
      const a0 = 1 + k / q + k * k;
      return [1, -2, 1, (2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0];
    })();
    return [shelf, pass];
  }

  function filtered(samples, count, [b0, b1, b2, a1, a2]) {
    const out = new Float64Array(count);
    let x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (let i = 0; i < count; i++) {
      const x = samples[i];
      const y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
      x2 = x1; x1 = x; y2 = y1; y1 = y;
      out[i] = y;
    }
    return out;
  }

  const lufs = (power) => -0.691 + 10 * Math.log10(power);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** LUFS, peak and crest in dB of samples of one or several channels. */
  function levels(channels, count, rate) {
    const step = Math.round(rate / 10);
    const steps = Math.floor(count / step);
    const powers = new Float64Array(steps); // of each 100 ms, channels together
    let peak = 0, squares = 0;
    for (const samples of channels) {
      const [shelf, pass] = kWeighting(rate);
      const heard = filtered(filtered(samples, count, shelf), count, pass);
      for (let s = 0; s < steps; s++) {
        let sum = 0;
        for (let i = s * step; i < (s + 1) * step; i++) sum += heard[i] * heard[i];
        powers[s] += sum / step;
      }
      for (let i = 0; i < count; i++) {
        peak = Math.max(peak, Math.abs(samples[i]));
        squares += samples[i] * samples[i];
      }
    }
    const blocks = []; // of 400 ms, a new one each 100 ms
    for (let s = 0; s + 4 <= steps; s++) blocks.push(mean([...powers.subarray(s, s + 4)]));
    const heard = blocks.filter((power) => lufs(power) > -70);
    const gate = heard.length ? lufs(mean(heard)) - 10 : 0;
    const kept = heard.filter((power) => lufs(power) > gate);
    const rms = Math.sqrt(squares / (count * channels.length));
    return {
      lufs: kept.length ? lufs(mean(kept)) : -70,
      peak: 20 * Math.log10(peak || 1e-6),
      crest: 20 * Math.log10((peak || 1e-6) / (rms || 1e-6)),
    };
  }

  class AngenLevel extends HTMLElement {
    connectedCallback() {
      this.innerHTML = '<p class="soft" role="status">Choose or make a song: its levels are measured here.</p>';
      this.timer = setInterval(() => this.look(), 700);
    }

    disconnectedCallback() { clearInterval(this.timer); }

    look() {
      const player = document.querySelector(this.getAttribute("for"));
      if (!player?.complete || !player.sound || player.songKey === this.measured) return;
      this.measured = player.songKey;
      const { channels, frames, rate } = player.sound;
      const found = levels(channels.slice(0, 2), frames, rate);
      const facts = [
        [`${found.lufs.toFixed(1)} LUFS`, "integrated loudness; streaming services play at about -14"],
        [`${found.peak.toFixed(1)} dBFS`, "highest peak; 0 is full scale"],
        [`${found.crest.toFixed(1)} dB`, "crest: how far peaks stand out"],
        [`${(rate / 1000).toFixed(1)} kHz, 16 bit`, channels.length === 1 ? "mono" : "stereo"],
      ];
      const box = document.createElement("div");
      box.className = "figures";
      for (const [value, name] of facts) {
        const figure = Object.assign(document.createElement("div"), { className: "figure" });
        figure.append(Object.assign(document.createElement("strong"), { textContent: value }));
        figure.append(Object.assign(document.createElement("span"), { className: "soft", textContent: name }));
        box.append(figure);
      }
      const of = Object.assign(document.createElement("p"), {
        className: "soft", textContent: `Of “${player.getAttribute("caption")}”`,
      });
      const save = Object.assign(document.createElement("a"), {
        className: "mini strong", textContent: "Download WAV", href: player.getAttribute("src"),
        download: `${player.songKey.replace(/^song-/, "")}.wav`,
      });
      this.replaceChildren(of, box, save);
    }
  }

  if (!customElements.get("angen-level")) customElements.define("angen-level", AngenLevel);
  window.angen = Object.assign(window.angen || {}, { levels });
})();
