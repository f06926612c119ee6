// <ticket-scanner> shows the camera and says "ticket-read" {text} for each code that comes into view.
// A code stays quiet until it was away for a while, or `forget` allows it again.

const BETWEEN_READS = 100; // at most ten a second
const AWAY = 1500;
const LONGEST_SIDE = 800; // enough for a ticket at arm's length, small enough for an old phone
const STATES = { NotAllowedError: "blocked", SecurityError: "blocked", NotReadableError: "taken", AbortError: "taken" };
const remembered = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } };
const wait = (time) => new Promise((done) => { setTimeout(done, time); });

const end = (stream) => { for (const track of stream.getTracks()) track.stop(); };

// The browser's own detector where it reads QR codes; otherwise ours, from this server.
const formats = ["qr_code"];
let detector;

const nativeDetector = async () => {
  const Native = globalThis.BarcodeDetector;
  const known = await Native?.getSupportedFormats().catch(() => []);
  return known?.includes("qr_code") ? new Native({ formats }) : null;
};

const ownDetector = async ({ reader, wasm }) => {
  if (!globalThis.BarcodeDetectionAPI) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      Object.assign(script, { src: reader, onload: resolve, onerror: () => { script.remove(); reject(new Error(reader)); } });
      document.head.append(script);
    });
  }
  const { BarcodeDetector, prepareZXingModule, purgeZXingModule } = globalThis.BarcodeDetectionAPI;
  const overrides = { locateFile: (name, folder) => (name.endsWith(".wasm") ? wasm : folder + name) };
  try {
    await prepareZXingModule({ overrides, fireImmediately: true });
  } catch (error) {
    purgeZXingModule();
    throw error;
  }
  return new BarcodeDetector({ formats });
};

const detectorFor = (paths) => {
  detector ??= nativeDetector().then((found) => found ?? ownDetector(paths)).catch((error) => {
    detector = undefined;
    throw error;
  });
  return detector;
};

customElements.define("ticket-scanner", class extends HTMLElement {
  isPaused = false;
  #resting = new Map(); // text → when it was last in view
  #canvas = document.createElement("canvas");
  #stream = null;
  #attempt = 0;
  #wanted = false;

  connectedCallback() {
    this.video = this.querySelector("video");
    this.cameras = this.querySelector("[data-cameras]");
    this.torch = this.querySelector("[data-torch]");
    this.querySelector("[data-start]").addEventListener("click", () => this.start());
    this.torch.addEventListener("click", () => this.#light(this.torch.dataset.state !== "on"));
    this.cameras.querySelector("select").addEventListener("change", ({ target }) => {
      remember("door.camera", target.value);
      this.start();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#stop();
      else if (this.#wanted) this.start();
    });
    if (!navigator.mediaDevices?.getUserMedia) this.#say("missing");
    else this.#startIfAllowed();
  }

  async #startIfAllowed() {
    detectorFor(this.dataset).catch(() => {}); // ready by the time the camera is
    const camera = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    if (camera?.state === "granted") this.start();
  }

  async start() {
    this.#stop();
    this.#wanted = true;
    this.#say("starting");
    const attempt = this.#attempt;
    const reader = detectorFor(this.dataset).catch(() => null);
    try {
      const stream = await this.#camera();
      if (attempt !== this.#attempt) { end(stream); return; }
      this.#stream = this.video.srcObject = stream;
      await this.video.play();
      if (!await reader) { this.#stop(); this.#say("unread"); return; }
    } catch (error) {
      if (attempt !== this.#attempt) return; // hidden, or started anew, meanwhile
      this.#stop();
      this.#wanted = false;
      this.#say(STATES[error.name] ?? "missing");
      return;
    }
    if (attempt !== this.#attempt) return;
    const [track] = this.#stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (attempt !== this.#attempt) return;
      this.#stop();
      this.#say("off");
    });
    this.#say(this.isPaused ? "checking" : "reading");
    this.#offer(track);
    navigator.wakeLock?.request("screen").catch(() => {}); // a low battery may refuse it
    this.#read(attempt, await reader);
  }

  async #camera() {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const chosen = remembered("door.camera");
    if (chosen) {
      try {
        return await navigator.mediaDevices.getUserMedia({ video: { ...size, deviceId: { exact: chosen } } });
      } catch (error) {
        if (error.name === "NotAllowedError") throw error; // another one would be refused, too
      }
    }
    return navigator.mediaDevices.getUserMedia({ video: { ...size, facingMode: "environment" } });
  }

  #stop() {
    this.#attempt += 1;
    if (this.#stream) end(this.#stream);
    this.#stream = this.video.srcObject = null;
    this.torch.hidden = true;
    this.torch.dataset.state = "off";
  }

  async #offer(track) {
    this.torch.hidden = !track.getCapabilities?.().torch;
    const devices = await navigator.mediaDevices.enumerateDevices();
    const found = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
    const current = track.getSettings().deviceId;
    this.cameras.hidden = found.length < 2;
    this.cameras.querySelector("select").replaceChildren(...found.map(({ deviceId, label }, index) =>
      new Option(label || `${index + 1}`, deviceId, false, deviceId === current)));
  }

  async #light(on) {
    const [track] = this.#stream?.getVideoTracks() ?? [];
    await track?.applyConstraints({ advanced: [{ torch: on }] }).then(
      () => { this.torch.dataset.state = on ? "on" : "off"; },
      () => { this.torch.hidden = true; },
    );
  }

  async #read(attempt, reader) {
    while (attempt === this.#attempt) {
      const began = performance.now();
      if (this.video.readyState >= 2 && this.video.videoWidth) {
        const codes = await reader.detect(this.#frame()).catch(() => []);
        if (attempt !== this.#attempt) return;
        this.#see(codes.filter(({ rawValue }) => rawValue));
      }
      const took = performance.now() - began;
      await wait(Math.max(took / 2, BETWEEN_READS - took)); // a slow phone has to show the answer, too
    }
  }

  // What the screen shows of the picture: a code beside it was not meant.
  #frame() {
    const { videoWidth, videoHeight, clientWidth, clientHeight } = this.video;
    const scale = Math.max(clientWidth / videoWidth, clientHeight / videoHeight) || 1;
    const width = Math.min(videoWidth, clientWidth / scale || videoWidth);
    const height = Math.min(videoHeight, clientHeight / scale || videoHeight);
    const shrink = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    const canvas = this.#canvas;
    const [wide, high] = [Math.round(width * shrink), Math.round(height * shrink)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    canvas.getContext("2d", { willReadFrequently: true })
      .drawImage(this.video, (videoWidth - width) / 2, (videoHeight - height) / 2, width, height, 0, 0, wide, high);
    return canvas;
  }

  #see(codes) {
    const now = performance.now();
    for (const [text, seenAt] of this.#resting) if (now - seenAt > AWAY) this.#resting.delete(text);
    for (const { rawValue } of codes) if (this.#resting.has(rawValue)) this.#resting.set(rawValue, now);
    if (this.isPaused) return;
    const { width, height } = this.#canvas;
    const offCentre = ({ boundingBox: box }) => Math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2);
    const [found] = codes.filter(({ rawValue }) => !this.#resting.has(rawValue)).sort((a, b) => offCentre(a) - offCentre(b));
    if (!found) return;
    this.#resting.set(found.rawValue, now);
    this.dispatchEvent(new CustomEvent("ticket-read", { bubbles: true, detail: { text: found.rawValue } }));
  }

  // While an answer is awaited or stands, codes in view wait.
  pause(isPaused) {
    this.isPaused = isPaused;
    if (["reading", "checking"].includes(this.dataset.state)) this.#say(isPaused ? "checking" : "reading");
  }

  // The code may be read again, without leaving the view, after `time`.
  forget(text, time) {
    setTimeout(() => this.#resting.delete(text), time);
  }

  #say(state) {
    this.dataset.state = state;
  }
});
