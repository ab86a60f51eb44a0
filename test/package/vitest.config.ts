import { defineConfig } from "vitest/config";
import { LEAN, PATIENCE } from "../patience.ts";

export default defineConfig({ test: { ...PATIENCE, env: LEAN, include: ["test/package/*.check.ts"] } });
