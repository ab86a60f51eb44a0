/** What a check found. */
export interface Finding {
  readonly what: string;
  /** Mends the finding, and says what it did; without it, a person has to. */
  readonly fix?: () => string | Promise<string>;
  /** What a person can do. */
  readonly next?: string;
  /** Worth knowing, and nothing to mend. */
  readonly isHarmless?: boolean;
}

export interface DoctorTarget {
  /** The relay's folder. */
  readonly dir: string;
  /** The person's working folder. */
  readonly cwd: string;
  /** Unix ms. */
  readonly now: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A check of one thing that can be wrong. It changes nothing. */
export interface DoctorCheck {
  readonly name: string;
  look(place: DoctorTarget): Finding[];
}
