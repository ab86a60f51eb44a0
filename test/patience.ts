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

/**
 * What the processes of all tests have in their environment. To read certificates takes a Node two thirds of its start where
 * a machine names some, and no test asks a server that needs them but those that name theirs.
 */
export const LEAN = { NODE_EXTRA_CA_CERTS: "" };
