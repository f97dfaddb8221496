/**
 * Let a bar do without so many of its parts that the rest has room, the first of them first: letters, names of symbols and
 * states are as wide as they are. In styles a part that goes is `[data-less~="part"]`.
 */
export function fit(bar: HTMLElement, parts: readonly string[]): void {
  for (let count = 0; count <= parts.length; count += 1) {
    bar.dataset["less"] = parts.slice(0, count).join(" ");
    const last = bar.lastElementChild?.getBoundingClientRect();
    if (last === undefined || last.right <= bar.getBoundingClientRect().right - edgePx) return;
  }
}

const edgePx = 4;
