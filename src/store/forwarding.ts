import type { Store } from "./store.ts";

/** All methods of a store, for a store that replaces some of them: `{ ...forwarding(store), publish }`. */
export function forwarding(store: Store): Store {
  return {
    root: store.root,
    served: store.served,
    setAside: store.setAside?.bind(store),
    putBack: store.putBack?.bind(store),
    get: store.get.bind(store),
    list: store.list.bind(store),
    records: store.records?.bind(store),
    markTimes: store.markTimes?.bind(store),
    create: store.create.bind(store),
    update: store.update.bind(store),
    updateTogether: store.updateTogether?.bind(store),
    publish: store.publish.bind(store),
    publishTogether: store.publishTogether?.bind(store),
    mark: store.mark.bind(store),
    markedAt: store.markedAt.bind(store),
    unmark: store.unmark.bind(store),
    marks: store.marks.bind(store),
    append: store.append.bind(store),
    lines: store.lines.bind(store),
    logs: store.logs.bind(store),
    removeLog: store.removeLog.bind(store),
    watch: store.watch.bind(store),
    passedOver: store.passedOver?.bind(store),
    quarantine: store.quarantine.bind(store),
    isDraft: store.isDraft.bind(store),
    sweep: store.sweep.bind(store),
    prune: store.prune.bind(store),
    close: store.close.bind(store),
  };
}
