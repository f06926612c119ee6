// <chart-readout> says the values of the day that is pointed at; a slider over it does so for keys.

customElements.define("chart-readout", class extends HTMLElement {
  connectedCallback() {
    this.bands = [...this.querySelectorAll(".chart__band")];
    this.readout = this.querySelector("[data-readout]");
    if (!this.bands.length || this.slider) return;
    this.gist = this.readout.textContent;
    // The words move from the browser's slow tooltip to the line above the plot.
    this.words = this.bands.map((band) => {
      const title = band.querySelector("title");
      title.remove();
      return title.textContent;
    });
    this.slider = this.cursor();
    this.append(this.slider);
    this.addEventListener("pointermove", (event) => this.point(event));
    this.addEventListener("pointerdown", (event) => this.point(event));
    this.addEventListener("pointerleave", () => this.show(-1));
  }

  cursor() {
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: 0, max: this.bands.length - 1, className: "chart__cursor" });
    slider.value = this.bands.length - 1;
    slider.setAttribute("aria-label", this.dataset.label);
    slider.setAttribute("aria-valuetext", this.gist);
    slider.addEventListener("input", () => this.show(Number(slider.value)));
    slider.addEventListener("focus", () => this.show(Number(slider.value)));
    slider.addEventListener("blur", () => this.show(-1));
    return slider;
  }

  point({ clientX }) {
    const index = this.bands.findIndex((band) => clientX < band.getBoundingClientRect().right);
    this.show(index < 0 ? this.bands.length - 1 : index);
  }

  show(index) {
    this.querySelector(".is-pointed")?.classList.remove("is-pointed");
    this.readout.toggleAttribute("data-pointed", index >= 0);
    this.readout.textContent = this.words[index] ?? this.gist;
    if (index < 0) return;
    this.bands[index].classList.add("is-pointed");
    this.slider.value = index;
    this.slider.setAttribute("aria-valuetext", this.words[index]);
  }
});
