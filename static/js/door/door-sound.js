// <door-sound> gives each answer its own tones and vibration; its button silences the tones.

const SILENT = "door.silent";
// Of each note: hertz, when and how long in seconds. Up is yes, twice the same is look, low is no.
const TONES = {
  admitted: { shape: "sine", notes: [[880, 0, 0.09], [1320, 0.1, 0.16]] },
  warning: { shape: "triangle", notes: [[520, 0, 0.14], [520, 0.22, 0.14]] },
  refused: { shape: "sawtooth", notes: [[150, 0, 0.55]] },
  failed: { shape: "square", notes: [[420, 0, 0.08], [320, 0.13, 0.08], [240, 0.26, 0.14]] },
};
const VIBRATIONS = { admitted: [60], warning: [120, 80, 120], refused: [450], failed: [70, 60, 70, 60, 70] };
const isSilent = () => { try { return localStorage.getItem(SILENT) === "yes"; } catch { return false; } };

customElements.define("door-sound", class extends HTMLElement {
  connectedCallback() {
    this.dataset.state = isSilent() ? "off" : "on";
    this.querySelector("button").addEventListener("click", () => {
      const isOn = this.dataset.state !== "on";
      this.dataset.state = isOn ? "on" : "off";
      try { localStorage.setItem(SILENT, isOn ? "no" : "yes"); } catch { /* private mode */ }
      if (isOn) this.#play("admitted");
    });
    // Browsers let a page be heard once somebody touched it.
    for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => this.#awake(), { passive: true });
    document.addEventListener("door-answer", ({ detail }) => {
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(VIBRATIONS[detail.verdict]);
      if (this.dataset.state === "on") this.#play(detail.verdict);
    });
  }

  async #awake() {
    if (!globalThis.AudioContext || navigator.userActivation?.hasBeenActive === false) return;
    this.audio ??= new AudioContext();
    if (this.audio.state !== "running") await this.audio.resume().catch(() => {});
  }

  async #play(verdict) {
    const asked = performance.now();
    await this.#awake();
    if (this.audio?.state !== "running" || performance.now() - asked > 300) return; // too late to mean anything
    const { shape, notes } = TONES[verdict];
    for (const [hertz, after, length] of notes) {
      const from = this.audio.currentTime + after;
      const oscillator = new OscillatorNode(this.audio, { type: shape, frequency: hertz });
      const volume = new GainNode(this.audio, { gain: 0 });
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(0.4, from + 0.01);
      volume.gain.setValueAtTime(0.4, from + length - 0.02);
      volume.gain.linearRampToValueAtTime(0, from + length);
      oscillator.connect(volume).connect(this.audio.destination);
      oscillator.start(from);
      oscillator.stop(from + length);
    }
  }
});
