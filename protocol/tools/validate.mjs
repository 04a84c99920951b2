// Checks ../asyncapi.yaml with the AsyncAPI project's own parser; exits 1 with one line for each problem.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const here = dirname(fileURLToPath(import.meta.url));
const file = process.argv[2] ?? join(here, "..", "asyncapi.yaml");

// Advice of a matter of taste is left out; errors and warnings count.
const COUNTED = new Map([
  [DiagnosticSeverity.Error, "error"],
  [DiagnosticSeverity.Warning, "warning"],
]);

const text = await readFile(file, "utf8");
const { document, diagnostics } = await new Parser().parse(text, { source: file });
const problems = diagnostics.filter((found) => COUNTED.has(found.severity));

for (const found of problems) {
  const { line, character } = found.range.start;
  const where = found.path.join(".") || "document";
  console.error(
    `${file}:${line + 1}:${character + 1}: ${COUNTED.get(found.severity)} ${found.code}: ${found.message} (at ${where})`,
  );
}
if (problems.length > 0 || document === undefined) {
  console.error(`${file} is not a valid AsyncAPI document.`);
  process.exit(1);
}
const operations = document.operations().all();
const messages = operations.reduce((sum, operation) => sum + operation.messages().all().length, 0);
console.log(`asyncapi.yaml: valid AsyncAPI ${document.version()}, ${operations.length} operations, ${messages} messages.`);
