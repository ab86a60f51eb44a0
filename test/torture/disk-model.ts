import fs from "node:fs";
import path from "node:path";

/** What a call changed, as points.mjs records it. Paths begin below the home of the relay. */
export interface Change {
  readonly call: "mkdir" | "open" | "write" | "fsync" | "rename" | "link" | "unlink";
  readonly path?: string;
  readonly to?: string;
  readonly descriptor?: number;
  readonly data?: string;
}

/** A file or folder, whatever its names are. */
interface Node {
  readonly isFolder: boolean;
  data: Buffer;
  /** A file's data as of its last fsync. */
  lasting: Buffer;
}

/** One atomic step on names: a rename clears one and sets another. */
interface Step {
  readonly clear?: Name;
  readonly set?: Name;
  readonly node?: Node | undefined;
}

interface Name {
  readonly folder: Node;
  readonly name: string;
}

type Names = Map<Node, Map<string, Node>>;

/** What may be on the disk after a power cut: by path, a file's data, or "folder". */
export type Outcome = ReadonlyMap<string, Buffer | "folder">;

/**
 * A disk that forgets: a file's data lasts up to its last fsync, a name up to an fsync of its folder. Of the steps that
 * came after, any subset may have reached the disk; of data, all, none, half, or as many zeros.
 */
export class ModelDisk {
  readonly #root: Node = folder();
  readonly #lasting: Names = new Map();
  readonly #now: Names = new Map();
  readonly #open = new Map<number, Node>();
  #steps: Step[] = [];

  /** A disk on which everything in `home` lasts. */
  constructor(home: string) {
    for (const entry of fs.readdirSync(home, { recursive: true, withFileTypes: true })) {
      const at = path.join(entry.parentPath, entry.name);
      this.#make(at.slice(home.length), entry.isDirectory() ? folder() : file(fs.readFileSync(at)));
    }
    for (const [of, names] of this.#now) this.#lasting.set(of, new Map(names));
    this.#steps = [];
  }

  apply(change: Change): void {
    const { call, path: at = "", to = "", descriptor = -1 } = change;
    if (call === "mkdir") this.#make(at, folder());
    if (call === "open") this.#open.set(descriptor, this.#find(at) ?? this.#make(at, file()));
    if (call === "write") this.#write(descriptor, Buffer.from(change.data ?? "", "base64"));
    if (call === "fsync") this.#sync(descriptor);
    if (call === "link") this.#step({ set: this.#name(to), node: this.#find(at) });
    if (call === "unlink") this.#step({ clear: this.#name(at) });
    if (call === "rename") this.#step({ clear: this.#name(at), set: this.#name(to), node: this.#find(at) });
  }

  /** How many ways the disk may look like now: the number of choices, each with its number of ways. */
  choices(): number[] {
    return [...this.#steps.map(() => 2), ...this.#unsynced().map((node) => variants(node).length)];
  }

  /** How the disk looks if each choice is made so. */
  outcome(chosen: readonly number[]): Outcome {
    const names: Names = new Map([...this.#lasting].map(([of, those]) => [of, new Map(those)]));
    this.#steps.forEach((step, index) => {
      if (chosen[index] === 1) perform(names, step);
    });
    const data = new Map<Node, Buffer>();
    this.#unsynced().forEach((node, index) => {
      const variant = variants(node)[chosen[this.#steps.length + index] ?? 0];
      if (variant) data.set(node, variant);
    });
    const found = new Map<string, Buffer | "folder">();
    const walk = (of: Node, at: string) => {
      for (const [name, node] of names.get(of) ?? []) {
        found.set(`${at}/${name}`, node.isFolder ? "folder" : (data.get(node) ?? node.data));
        walk(node, `${at}/${name}`);
      }
    };
    walk(this.#root, "");
    return found;
  }

  #make(at: string, node: Node): Node {
    this.#step({ set: this.#name(at), node });
    return node;
  }

  #write(descriptor: number, bytes: Buffer): void {
    const node = this.#open.get(descriptor);
    if (node) node.data = Buffer.concat([node.data, bytes]);
  }

  #sync(descriptor: number): void {
    const node = this.#open.get(descriptor);
    if (!node) return;
    node.lasting = node.data;
    if (!node.isFolder) return;
    for (const step of this.#steps) if (touches(step, node)) perform(this.#lasting, step);
    this.#steps = this.#steps.filter((step) => !touches(step, node));
  }

  #step(step: Step): void {
    perform(this.#now, step);
    this.#steps.push(step);
  }

  #unsynced(): Node[] {
    const nodes = [...this.#lasting.values(), ...this.#now.values()].flatMap((names) => [...names.values()]);
    const named = [...nodes, ...this.#steps.flatMap(({ node }) => node ?? [])];
    return [...new Set(named)].filter((node) => !node.isFolder && !node.data.equals(node.lasting));
  }

  #name(at: string): Name {
    const of = this.#find(path.dirname(at));
    if (!of) throw new Error(`The recorded trace names "${at}", whose folder it never made`);
    return { folder: of, name: path.basename(at) };
  }

  #find(at: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of at.split("/").filter((part) => part !== "")) node = node && this.#now.get(node)?.get(name);
    return node;
  }
}

/** Puts an outcome into a folder. */
export function materialise(outcome: Outcome, home: string): void {
  fs.mkdirSync(home, { recursive: true });
  for (const [at, data] of outcome)
    if (data === "folder") fs.mkdirSync(home + at, { mode: 0o700 });
    else fs.writeFileSync(home + at, data, { mode: 0o600 });
}

function perform(names: Names, { clear, set, node }: Step): void {
  if (clear) names.get(clear.folder)?.delete(clear.name);
  if (!set || !node) return;
  const of = names.get(set.folder) ?? new Map<string, Node>();
  names.set(set.folder, of.set(set.name, node));
}

function touches({ clear, set }: Step, of: Node): boolean {
  return clear?.folder === of || set?.folder === of;
}

function variants({ data, lasting }: Node): Buffer[] {
  return [data, lasting, data.subarray(0, data.length >> 1), Buffer.alloc(data.length)];
}

function folder(): Node {
  return { isFolder: true, data: Buffer.alloc(0), lasting: Buffer.alloc(0) };
}

function file(data: Buffer = Buffer.alloc(0)): Node {
  return { isFolder: false, data, lasting: data };
}
