// Holds exported boards to the types that Grafana and Perses publish: `check.mjs grafana|perses FOLDER`. It is run in the folder that
// the packages are installed in. A line for each fault; ends with 1 where there is one.

import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const [kind, folder] = process.argv.slice(2);
const work = join(process.cwd(), `checked-${kind}`);
mkdirSync(work, { recursive: true });
copyFileSync(join(dirname(fileURLToPath(import.meta.url)), `${kind}.ts`), join(work, `${kind}.ts`));
const files = readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => {
  const path = join(work, name.replace(".json", ".board.ts"));
  // As a literal, since only a literal's keys must all be known.
  const board = JSON.stringify(JSON.parse(readFileSync(join(folder, name), "utf8")), null, 1);
  writeFileSync(path, `import type { Board } from "./${kind}";\nexport const board: Board = ${board};\n`);
  return path;
});
const program = ts.createProgram(files, {
  strict: true, noEmit: true, skipLibCheck: true, types: [],
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
});
const faults = ts.getPreEmitDiagnostics(program);
for (const { file, start, messageText } of faults) {
  const place = file ? `${file.fileName.slice(work.length + 1)}:${file.getLineAndCharacterOfPosition(start).line + 1}` : "";
  const source = file ? file.text.slice(start, start + 80).split("\n")[0] : "";
  console.log(`${place} ${source}: ${ts.flattenDiagnosticMessageText(messageText, " ").slice(0, 600)}`);
}
console.log(`${files.length} boards, ${faults.length} faults`);
process.exitCode = faults.length > 0 || files.length === 0 ? 1 : 0;
