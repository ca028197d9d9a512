// A slider between two pictures that lie on each other: the report's and the page's.

const MOST = 32; // Times the whole picture.
const DETAIL_SCALE = 4; // Of the detail, at most: larger pixels hide what they show.
const REACH = 24; // Pixels beside the divider that still move it in a zoomed picture.
const PAN = 40; // Pixels that an arrow key moves a zoomed picture.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function picture(className) {
  return element("img", { className, alt: "", draggable: false });
}

function pane(side) {
  const sheet = element("div", { className: "sheet" }, picture("shown"), picture("reference"));
  return element("div", { className: `pane ${side}` }, sheet);
}

function zoomButton(action, text, label = "") {
  const made = element("button", { type: "button", textContent: text });
  made.dataset.zoom = action;
  if (label) made.setAttribute("aria-label", label);
  return made;
}

// Returns {elements, stage, show}. detail: what to zoom to, [top, left, side] in pixels, or null.
export function slider({ name, width: pictureWidth, height: pictureHeight, detail = null }) {
  const stage = element("div", { className: "stage", tabIndex: 0 }, pane("under"), pane("over"));
  stage.setAttribute("role", "group");
  const line = element("div", { className: "line" }, element("span", {}));
  const tags = ["left", "right"].map((side) => element("p", { className: `tag ${side}` }));
  for (const mark of [line, ...tags]) mark.setAttribute("aria-hidden", "true");
  stage.append(line, ...tags);
  const divider = element("input", { type: "range", className: "divider", min: 0, max: 100, step: 1, value: 50 });
  const scaleText = element("output", {});
  scaleText.setAttribute("aria-label", "Scale");
  const buttons = [
    zoomButton("out", "\u2212", "Zoom out"), zoomButton("in", "+", "Zoom in"),
    ...(detail ? [zoomButton("detail", "Detail")] : [zoomButton("pixels", "100 %", "Zoom to one pixel each")]),
    zoomButton("fit", "Whole"),
  ];
  const zoom = element("div", { className: "zoom" }, buttons[0], scaleText, ...buttons.slice(1));
  zoom.setAttribute("role", "group");
  zoom.setAttribute("aria-label", "Zoom");
  const bar = element("div", { className: "bar" }, divider, zoom);
  const button = (action) => zoom.querySelector(`[data-zoom=${action}]`);
  const under = stage.querySelectorAll(".under img");
  const over = stage.querySelectorAll(".over img");
  const state = { at: 50, zoom: 1, x: 0, y: 0, texts: ["", ""] };
  stage.style.setProperty("--ratio", pictureWidth / pictureHeight);
  stage.style.setProperty("--pixels", pictureWidth);

  function placed() {
    const { width, height } = stage.getBoundingClientRect();
    state.x = clamp(state.x, width * (1 - state.zoom), 0);
    state.y = clamp(state.y, height * (1 - state.zoom), 0);
    const scale = (state.zoom * width) / pictureWidth;
    for (const [property, value] of [
      ["--at", `${state.at}%`], ["--x", `${state.x}px`], ["--y", `${state.y}px`],
      ["--z", state.zoom],
    ]) stage.style.setProperty(property, value);
    stage.classList.toggle("zoomed", state.zoom > 1);
    stage.classList.toggle("pixels", scale >= 2);
    scaleText.textContent = `${Math.round(100 * scale)} %`;
    button("out").disabled = button("fit").disabled = state.zoom <= 1;
    button("in").disabled = state.zoom >= MOST;
    divider.value = state.at;
    divider.setAttribute(
      "aria-valuetext", `${Math.round(state.at)} % ${state.texts[0]}, the rest ${state.texts[1]}`
    );
  }

  // Shows two pictures, left above right: {text, source, reference}. A reference is subtracted.
  function show(left, right) {
    state.texts = [left.text, right.text];
    const difference = Boolean(left.reference);
    stage.classList.toggle("difference", difference);
    [[over, left], [under, right]].forEach(([images, { text, source, reference }], index) => {
      images[0].src = source;
      images[0].alt = `${name}, ${text}`;
      if (difference) images[1].src = reference;
      else images[1].removeAttribute("src");
      tags[index].textContent = text;
    });
    divider.setAttribute("aria-label", `Divider of ${name}: ${left.text} to its left, ${right.text} to its right`);
    stage.setAttribute(
      "aria-label",
      `${name}, ${left.text} beside ${right.text}; plus and minus zoom, arrow keys move the zoomed picture`
    );
    placed();
  }

  function zoomTo(target, x, y) {
    const { width, height } = stage.getBoundingClientRect();
    const [atX, atY] = [x ?? width / 2, y ?? height / 2];
    const next = clamp(target, 1, MOST);
    state.x = atX - ((atX - state.x) * next) / state.zoom;
    state.y = atY - ((atY - state.y) * next) / state.zoom;
    state.zoom = next;
    placed();
  }

  function zoomToDetail() {
    const { width, height } = stage.getBoundingClientRect();
    const [top, left, side] = detail;
    const scale = width / pictureWidth;
    const most = Math.max(1, DETAIL_SCALE / scale);
    state.zoom = clamp(Math.min(width, height) / (1.4 * side * scale), 1, most);
    state.x = width / 2 - (left + side / 2) * scale * state.zoom;
    state.y = height / 2 - (top + side / 2) * scale * state.zoom;
    placed();
  }

  divider.addEventListener("input", () => { state.at = Number(divider.value); placed(); });
  for (const one of buttons) {
    one.addEventListener("click", () => ({
      in: () => zoomTo(2 * state.zoom), out: () => zoomTo(state.zoom / 2), fit: () => zoomTo(1),
      pixels: () => zoomTo(pictureWidth / stage.getBoundingClientRect().width), detail: zoomToDetail,
    })[one.dataset.zoom]());
  }

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const box = stage.getBoundingClientRect();
    const x = event.clientX - box.left;
    const panning = state.zoom > 1 && Math.abs(x - (state.at / 100) * box.width) > REACH;
    drag = { panning, x: event.clientX - state.x, y: event.clientY - state.y };
    stage.setPointerCapture(event.pointerId);
    stage.classList.toggle("panning", panning);
    move(event);
  });
  function move(event) {
    if (!drag) return;
    if (drag.panning) {
      state.x = event.clientX - drag.x;
      state.y = event.clientY - drag.y;
    } else {
      const box = stage.getBoundingClientRect();
      state.at = clamp((100 * (event.clientX - box.left)) / box.width, 0, 100);
    }
    placed();
  }
  function end() {
    drag = null;
    stage.classList.remove("panning");
  }
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("dblclick", (event) => {
    const box = stage.getBoundingClientRect();
    zoomTo(state.zoom > 1 ? 1 : 4, event.clientX - box.left, event.clientY - box.top);
  });
  stage.addEventListener("keydown", (event) => {
    const act = {
      "+": () => zoomTo(2 * state.zoom), "=": () => zoomTo(2 * state.zoom),
      "-": () => zoomTo(state.zoom / 2), "0": () => zoomTo(1),
    }[event.key];
    const pan = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (act) act();
    else if (pan && state.zoom > 1) {
      state.x += pan[0];
      state.y += pan[1];
      placed();
    } else return;
    event.preventDefault();
  });
  new ResizeObserver(placed).observe(stage);
  return { elements: [stage, bar], stage, show };
}
