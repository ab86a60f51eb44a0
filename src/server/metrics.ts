const BUCKETS_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

/** What a server counts, in Prometheus' text format 0.0.4. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #buckets = BUCKETS_SECONDS.map(() => 0);
  #count = 0;
  #seconds = 0;
  readonly #gauges = new Map<string, { about: string; value: () => number }>();

  /** Adds a gauge. `value` is called each time the metrics are read. */
  gauge(name: string, about: string, value: () => number): void {
    this.#gauges.set(name, { about, value });
  }

  /** One request that was answered, and how long that took (ms). */
  answered(method: string, status: number, ms: number): void {
    const labels = `method="${METHODS.includes(method) ? method : "other"}",status="${status}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
    const seconds = ms / 1000;
    this.#count++;
    this.#seconds += seconds;
    for (const [index, bound] of BUCKETS_SECONDS.entries())
      if (seconds <= bound) this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }

  text(): string {
    const lines = [
      ...head("agent_relay_requests_total", "counter", "Requests answered."),
      ...[...this.#requests].map(([labels, count]) => `agent_relay_requests_total{${labels}} ${count}`),
      ...head("agent_relay_request_seconds", "histogram", "How long requests took."),
      ...BUCKETS_SECONDS.map(
        (bound, index) => `agent_relay_request_seconds_bucket{le="${bound}"} ${this.#buckets[index]}`,
      ),
      `agent_relay_request_seconds_bucket{le="+Inf"} ${this.#count}`,
      `agent_relay_request_seconds_sum ${this.#seconds}`,
      `agent_relay_request_seconds_count ${this.#count}`,
      ...[...this.#gauges].flatMap(([name, { about, value }]) => [
        ...head(`agent_relay_${name}`, "gauge", about),
        `agent_relay_${name} ${value()}`,
      ]),
    ];
    return `${lines.join("\n")}\n`;
  }
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

function head(name: string, type: string, about: string): string[] {
  return [`# HELP ${name} ${about}`, `# TYPE ${name} ${type}`];
}
