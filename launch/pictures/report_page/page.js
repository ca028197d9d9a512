// The report's own part; the slider stands before it in the same script.

const data = JSON.parse(document.getElementById("data").textContent);
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
  const state = { quality: shown.qualities[0], model: shown.models[0], view: "jpeg" };
  const view = slider(shown);
  find(".compare").replaceWith(...view.elements);
  find("h3").textContent = shown.name;
  find(".size").textContent = `${shown.width} × ${shown.height}`;

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
    const reference = state.view === "difference" ? shown.clean : null;
    view.show(
      { text: left, source: state.view === "clean" ? shown.clean : jpeg.picture, reference },
      { text: right, source: restored.picture, reference }
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
  }

  const named = (texts) => texts.map((text) => [text, text]);
  choice(find(".choices"), "Quality", named(shown.qualities), state.quality,
    (value) => { state.quality = value; drawn(); });
  choice(find(".choices"), "Restored by", named(shown.models), state.model,
    (value) => { state.model = value; drawn(); });
  choice(find(".choices"), "Compare", [["jpeg", "with the JPEG"], ["clean", "with the clean image"],
    ["difference", "errors"]], state.view, (value) => { state.view = value; drawn(); });

  // Pictures are decoded when they are about to be seen.
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    drawn();
  }, { rootMargin: "600px" }).observe(view.stage);
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
