// Elements, without markup: what comes from outside becomes text and attributes, never HTML.

export const $ = (id) => document.getElementById(id);

export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.startsWith("aria")) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Only what differs is written: a node that stays keeps its focus, and nothing is laid out for nothing.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

// One child for each item by key, in order; children of items that stay are kept.
export function keyed(parent, items, make, update) {
  const have = (parent.keyed ??= new Map());
  for (const [key, node] of have) if (!items.has(key)) { node.remove(); have.delete(key); }
  let before = null;
  for (const [key, item] of items) {
    let node = have.get(key);
    if (!node) { node = make(key, item); have.set(key, node); }
    const place = before ? before.nextSibling : parent.firstChild;
    if (place !== node) parent.insertBefore(node, place);
    update(node, item, key);
    before = node;
  }
}

export function notice(text, kind = "") {
  const box = $("notice");
  box.className = kind;
  box.replaceChildren(el("p", {}, text), el("button", { type: "button", "aria-label": "Close", onclick: () => notice("") }, "×"));
  box.hidden = !text;
}

// A copied text, told to who cannot see it too.
export function copyButton(what, text) {
  const button = el("button", { type: "button", "aria-label": `Copy ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}
