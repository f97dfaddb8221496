import type { Rest } from "./rest";

/** A layout that the server keeps, without its document. */
export interface LayoutRow {
  readonly name: string;
  readonly bytes: number;
  readonly changed_ns: string;
  readonly etag: string;
}

const conditions = {
  any: () => ({}),
  /** Only where there is none of that name yet. */
  isNew: () => ({ "if-none-match": "*" }),
  /** Only where nobody has changed it since. */
  same: (etag: string) => ({ "if-match": etag }),
} as const;

/** The layouts of the server, over REST; what is refused rejects with the server's words. */
export class LayoutStore {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  async list(): Promise<readonly LayoutRow[]> {
    return (await (await this.#rest.send("layouts", {})).json()) as readonly LayoutRow[];
  }

  /** @returns the document as it was saved */
  async load(name: string): Promise<string> {
    return (await this.#rest.send(path(name), { cache: "no-cache" })).text();
  }

  /** @param etag of the layout that this one replaces; null for a name that must be free; "*" for whatever is there */
  async save(name: string, document: string, etag: string | null): Promise<LayoutRow> {
    const expected = etag === null ? conditions.isNew() : etag === "*" ? conditions.any() : conditions.same(etag);
    const headers = { "content-type": "application/json", ...expected };
    return (await (await this.#rest.send(path(name), { method: "PUT", headers, body: document })).json()) as LayoutRow;
  }

  async remove(name: string, etag: string): Promise<void> {
    await this.#rest.send(path(name), { method: "DELETE", headers: conditions.same(etag) });
  }
}

const path = (name: string): string => `layouts/${encodeURIComponent(name)}`;
