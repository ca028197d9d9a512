"use strict";
(() => {
  const MOST = 32; // Times the whole image.
  const REACH = 24; // Pixels beside the divider that still move it in a zoomed picture.
  const data = JSON.parse(document.getElementById("data").textContent);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  let groups = 0;

  // A row of choices; with a single one there is nothing to choose.
  function choice(place, title, options, chosen, change) {
    if (options.length < 2) return;
    const name = `choice${groups++}`;
    const legend = element("legend", { textContent: title });
    const labels = options.map(([value, text]) => {
      const input = element("input", { type: "radio", name, value, checked: value === chosen });
      input.addEventListener("change", () => change(value));
      return element("label", {}, input, element("span", { textContent: text }));
    });
    place.append(element("fieldset", {}, legend, ...labels));
  }

  function card(shown) {
    const root = document.getElementById("card").content.firstElementChild.cloneNode(true);
    const find = (selector) => root.querySelector(selector);
    const stage = find(".stage");
    const divider = find(".divider");
    const under = root.querySelectorAll(".under img");
    const over = root.querySelectorAll(".over img");
    const state = {
      quality: shown.qualities[0], model: shown.models[0], view: "jpeg", at: 50, zoom: 1, x: 0, y: 0,
    };
    find("h3").textContent = shown.name;
    find(".size").textContent = `${shown.width} × ${shown.height}`;
    stage.style.setProperty("--ratio", shown.width / shown.height);
    stage.style.setProperty("--pixels", shown.width);

    function placed() {
      const { width, height } = stage.getBoundingClientRect();
      state.x = clamp(state.x, width * (1 - state.zoom), 0);
      state.y = clamp(state.y, height * (1 - state.zoom), 0);
      const scale = (state.zoom * width) / shown.width;
      for (const [name, value] of [
        ["--at", `${state.at}%`], ["--x", `${state.x}px`], ["--y", `${state.y}px`],
        ["--z", state.zoom],
      ]) stage.style.setProperty(name, value);
      stage.classList.toggle("zoomed", state.zoom > 1);
      stage.classList.toggle("pixels", scale >= 2);
      find("output").textContent = `${Math.round(100 * scale)} %`;
      find("[data-zoom=out]").disabled = find("[data-zoom=fit]").disabled = state.zoom <= 1;
      find("[data-zoom=in]").disabled = state.zoom >= MOST;
      divider.value = state.at;
      divider.setAttribute(
        "aria-valuetext", `${Math.round(state.at)} % ${names()[0]}, the rest ${names()[1]}`
      );
    }

    function names() {
      const made = `restored by ${state.model}`;
      if (state.view === "clean") return ["clean", made];
      const jpeg = `JPEG, quality ${state.quality}`;
      if (state.view === "jpeg") return [jpeg, made];
      return [`${jpeg}: error × 8`, `${made}: error × 8`];
    }

    function drawn() {
      const [left, right] = names();
      const restored = shown.restored[state.quality][state.model];
      const jpeg = shown.jpegs[state.quality];
      over[0].src = state.view === "clean" ? shown.clean : jpeg.picture;
      under[0].src = restored.picture;
      stage.classList.toggle("difference", state.view === "difference");
      for (const image of [over[1], under[1]]) {
        if (state.view === "difference") image.src = shown.clean;
        else image.removeAttribute("src");
      }
      over[0].alt = `${shown.name}, ${left}`;
      under[0].alt = `${shown.name}, ${right}`;
      find(".tag.left").textContent = left;
      find(".tag.right").textContent = right;
      divider.setAttribute("aria-label", `Divider of ${shown.name}: ${left} to its left, ${right} to its right`);
      stage.setAttribute(
        "aria-label",
        `${shown.name}, ${left} beside ${right}; plus and minus zoom, arrow keys move the zoomed picture`
      );
      const small = [
        element("span", { className: "range", textContent: jpeg.size }),
        element("span", { className: restored.tone, textContent: restored.gain }),
      ];
      const rows = [[`JPEG, quality ${state.quality}`, jpeg], [`restored by ${state.model}`, restored]];
      find("tbody").replaceChildren(...rows.map(([title, { figures }], index) => element(
        "tr", {}, element("th", { scope: "row" }, title, small[index]),
        ...figures.map((text) => element("td", { textContent: text }))
      )));
      placed();
    }

    function zoomTo(zoom, x, y) {
      const { width, height } = stage.getBoundingClientRect();
      const [atX, atY] = [x ?? width / 2, y ?? height / 2];
      const next = clamp(zoom, 1, MOST);
      state.x = atX - ((atX - state.x) * next) / state.zoom;
      state.y = atY - ((atY - state.y) * next) / state.zoom;
      state.zoom = next;
      placed();
    }

    function detail() {
      const { width, height } = stage.getBoundingClientRect();
      const [top, left, side] = shown.detail;
      const scale = width / shown.width;
      state.zoom = clamp(Math.min(width, height) / (1.4 * side * scale), 1, MOST);
      state.x = width / 2 - (left + side / 2) * scale * state.zoom;
      state.y = height / 2 - (top + side / 2) * scale * state.zoom;
      placed();
    }

    const named = (texts) => texts.map((text) => [text, text]);
    choice(find(".choices"), "Quality", named(shown.qualities), state.quality,
      (value) => { state.quality = value; drawn(); });
    choice(find(".choices"), "Restored by", named(shown.models), state.model,
      (value) => { state.model = value; drawn(); });
    choice(find(".choices"), "Compare", [["jpeg", "with the JPEG"], ["clean", "with the clean image"],
      ["difference", "errors"]], state.view, (value) => { state.view = value; drawn(); });

    divider.addEventListener("input", () => { state.at = Number(divider.value); placed(); });
    for (const button of root.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => ({
        in: () => zoomTo(2 * state.zoom), out: () => zoomTo(state.zoom / 2),
        fit: () => zoomTo(1), detail,
      })[button.dataset.zoom]());
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
      const step = 40;
      const act = {
        "+": () => zoomTo(2 * state.zoom), "=": () => zoomTo(2 * state.zoom),
        "-": () => zoomTo(state.zoom / 2), "0": () => zoomTo(1),
      }[event.key];
      const pan = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
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
    // Pictures are decoded when they are about to be seen.
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      drawn();
    }, { rootMargin: "600px" }).observe(stage);
    return root;
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const numbers = head.dataset.kind === "number";
      const order = (one, other) => numbers
        ? Number(key(one)) - Number(key(other))
        : key(one).localeCompare(key(other), "en", { numeric: true });
      const rows = [...body.rows].sort((one, other) => (down ? -1 : 1) * order(one, other));
      body.append(...rows);
    }));
  }

  document.getElementById("cards").append(...data.cards.map(card));
  sortable(document.getElementById("rows"));
})();
