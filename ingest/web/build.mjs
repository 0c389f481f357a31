// Makes dist/: each entry with all that it imports, minified.  ingest embeds
// tracker.min.js; what is committed there is what this makes of the sources.
//
//     npm ci && npm run build        [-- FOLDER, instead of dist/]
import { build } from 'esbuild';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minify } from 'terser';

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, 'dist');

const small = async (entry, external) => {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minifySyntax: true,
    external,
    format: 'esm',
    target: 'es2021',
    write: false,
  });
  const compress = { ecma: 2020, inline: 1, passes: 3 };
  const { code } = await minify(outputFiles[0].text, { module: true, compress });
  return code + '\n';
};

for (const [name, external] of [['tracker', []], ['upload', []], ['react', ['react', './tracker.js']]])
  writeFileSync(join(target, `${name}.min.js`), await small(`${name}.js`, external));
