const within = (selector: string): HTMLElement | null => document.querySelector<HTMLElement>(selector);

/** For what goes away with the focus in it: the focus goes back to where it came from, else to what lies open, or the chart. */
export function focusBack(node: HTMLElement): () => void {
  const from = document.activeElement;
  let holds = node.contains(from); // what takes the focus at once has it by now
  node.addEventListener("focusin", () => {
    holds = true;
  });
  node.addEventListener("focusout", ({ relatedTarget }) => {
    // To nowhere: that is how it goes with what is taken away.
    if (relatedTarget !== null) holds = node.contains(relatedTarget as Node);
  });
  return () => {
    const now = document.activeElement;
    if (!holds || (now !== document.body && !node.contains(now))) return;
    const isThere = from instanceof HTMLElement && from !== document.body && from.isConnected && !node.contains(from);
    const back = isThere ? from : (within(".dialog input, .dialog button") ?? within(".chart"));
    back?.focus({ preventScroll: true });
  };
}
