import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectDir, runQuietly } from './program.ts';

// The list of what is in the product, as CycloneDX on stdout: `npm run --silent sbom > sbom.json`.
// npm makes it of the whole lock file, and what only development needs is left out here: with `--omit=dev` npm 10 leaves out packages that both
// need (nodemailer) as well.

interface Component {
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref': string;
}
interface Bom {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
interface Locked {
  readonly version?: string;
  readonly dev?: boolean;
}

const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
const bom = JSON.parse(await runQuietly('npm', args)) as Bom;
const { packages } = JSON.parse(await readFile(join(projectDir, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
const shipped = new Set(
  Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`),
);
const components = bom.components.filter(({ name, version }) => shipped.has(`${name}@${version}`));
const gone = new Set(
  bom.components.filter((component) => !components.includes(component)).map((component) => component['bom-ref']),
);
const dependencies = bom.dependencies
  .filter(({ ref }) => !gone.has(ref))
  .map((edge) => ({ ...edge, dependsOn: edge.dependsOn.filter((ref) => !gone.has(ref)) }));
process.stdout.write(`${JSON.stringify({ ...bom, components, dependencies }, null, 2)}\n`);
