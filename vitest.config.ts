import { defineConfig } from "vitest/config";
import { PATIENCE } from "./test/patience.ts";

export default defineConfig({ test: { ...PATIENCE } });
