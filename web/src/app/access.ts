import { type Address, type Door, type Entry, enter, tokenIn } from "../data/access";

const address: Address = {
  hash: () => location.hash,
  replaceHash: (hash) => history.replaceState(null, "", `${location.pathname}${location.search}${hash}`),
};

function element<K extends keyof HTMLElementTagNameMap>(name: K, text: string, parent: HTMLElement) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

/** Show what to do, until this browser may come in. */
export async function waitAtGate(door: Door, target: HTMLElement, first: Entry): Promise<void> {
  const gate = element("main", "", target);
  gate.className = "gate";
  gate.dataset["theme"] = window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  element("h1", "A link is needed", gate);
  element("p", "This server shows its charts to whoever has its link.", gate);
  const how = element("p", "On the machine where footloom runs, type ", gate);
  element("code", "footloom link", how);
  how.append(": it prints the link, and a QR code for a phone. Open that link here, or paste it below.");
  const form = element("form", "", gate);
  const label = element("label", "Link or token", form);
  const input = element("input", "", label);
  Object.assign(input, { type: "password", name: "token", autocomplete: "off", required: true });
  element("button", "Open", form).type = "submit";
  const said = element("p", first.state === "refused" ? first.words : "", gate);
  said.setAttribute("role", "alert");
  if (!window.isSecureContext) {
    element(
      "p",
      "This page came over http: others in the network can read along. https also brings the clipboard and installing as an app (docs/serving.md).",
      gate,
    ).className = "muted";
  }
  await new Promise<void>((resolve) => {
    const settle = (entry: Entry): void => {
      if (entry.state === "in") resolve();
      else said.textContent = entry.words;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void door.show(tokenIn(input.value)).then(settle);
    });
    // A link that is opened in this very tab only changes the fragment.
    window.addEventListener("hashchange", () => void enter(door, address).then(settle));
  });
  gate.remove();
}

/** Go in: at once where no token is asked for, or where this browser has shown it before. */
export async function goIn(door: Door, target: HTMLElement): Promise<void> {
  const entry = await enter(door, address);
  // A server that cannot be reached is the chart's to tell of: it tries again.
  if (entry.state === "asked" || entry.state === "refused") await waitAtGate(door, target, entry);
  window.addEventListener("hashchange", () => void enter(door, address));
}

/** Load the page anew where the server no longer knows this browser: its token has changed. */
export async function leaveIfUnknown(door: Door): Promise<void> {
  if ((await door.ask()).state === "asked") location.reload();
}
