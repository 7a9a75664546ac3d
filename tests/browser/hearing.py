"""What comes out of the loudspeaker, whatever the page does to get it there.

The script runs before any of the page's. It listens to all that Web Audio sends out and to every
media element, and notes how loud it is, 20 times a second.
"""

SCRIPT = """
(() => {
  const heard = { taps: [], media: new Set(), loudest: 0, seconds: 0, since: null };
  window.heard = heard;
  const taps = new Map();
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode && !(this instanceof AnalyserNode && this.isTap)) {
      let tap = taps.get(this.context);
      if (!tap) {
        tap = this.context.createAnalyser();
        tap.isTap = true;
        tap.fftSize = 2048;
        taps.set(this.context, tap);
        heard.taps.push(tap);
      }
      connect.call(this, tap);
    }
    return connect.call(this, to, ...rest);
  };
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    if (!heard.media.has(this)) {
      heard.media.add(this);
      try {
        const context = new AudioContext();
        const source = context.createMediaElementSource(this);
        source.connect(context.destination);
      } catch (error) {
        console.warn("not listened to", error);
      }
    }
    return play.call(this);
  };
  const samples = new Float32Array(2048);
  setInterval(() => {
    for (const tap of heard.taps) {
      tap.getFloatTimeDomainData(samples);
      const loud = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
      heard.loudest = Math.max(heard.loudest, loud);
      if (loud > 0.001) {
        heard.seconds += 0.05;
        heard.since ??= performance.timeOrigin + performance.now();
      }
    }
  }, 50);
  heard.reset = () => Object.assign(heard, { loudest: 0, seconds: 0, since: null });
})();
"""
