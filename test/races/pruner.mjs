// Removes the old folders in which nothing is listed, again and again.
import { FileStore } from "../../dist/index.js";
import { serve } from "./serve.mjs";

const { dir } = JSON.parse(process.argv[2]);
const store = new FileStore(dir);
let isWanted = true;
let removed = 0;

await serve({
  begin() {
    const round = async () => {
      for (const folder of ["inboxes", "tasks/titles"])
        removed += await store.prune(folder, Date.now() - 60_000, () => true);
      if (isWanted) setImmediate(round);
    };
    setImmediate(round);
  },
  end() {
    isWanted = false;
    return removed;
  },
});
