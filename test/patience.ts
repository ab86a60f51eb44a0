const HALF_AN_HOUR = 1_800_000; // ms

/**
 * Limits for what hangs. How long a test takes says more of the machine than of the code, so that no limit is one that a busy
 * machine outlasts.
 */
export const PATIENCE = {
  testTimeout: HALF_AN_HOUR,
  hookTimeout: HALF_AN_HOUR,
  expect: { poll: { timeout: HALF_AN_HOUR } },
};
