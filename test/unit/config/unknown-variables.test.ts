import { describe, expect, it } from 'vitest';
import { checkAll } from '../../../src/config/check.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { folderWith } from './fixtures.ts';

const folder = () =>
  folderWith({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what operators write.
    'agent.yaml': 'cluster: ${env:CEILOGRAPH_SITE}\npipelines: pipelines\n',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what operators write.
    'pipelines/s.yaml': 'sink: s\nfrom: samples\nmatch: ["*"]\npublish: [{ file: { path: "${env:CEILOGRAPH_OUT}" } }]\n',
  });
const known = {
  CEILOGRAPH_SITE: 'here',
  CEILOGRAPH_OUT: 'out.jsonl',
  CEILOGRAPH_LOG_LEVEL: 'warn',
  CEILOGRAPH_WORKER_INDEX: '0',
  HOME: '/',
};

describe('a variable with our prefix', () => {
  it('that is no setting and that no file refers to is told, with what was meant', async () => {
    const dir = await folder();
    const env = { ...known, CEILOGRAPH_LOG_LEVLE: 'debug', CEILOGRAPH_WORKERS_AND_MORE: '4' };
    const lines = [
      'CEILOGRAPH_LOG_LEVLE is set, but there is no such setting and no file refers to it; did you mean CEILOGRAPH_LOG_LEVEL?',
      'CEILOGRAPH_WORKERS_AND_MORE is set, but there is no such setting and no file refers to it; docs/reference/agent.md lists them',
    ];

    expect((await loadSetup({ config: `${dir}/agent.yaml` }, {}, env)).notes).toEqual(lines);
    expect((await checkAll([], `${dir}/agent.yaml`, env)).warnings).toEqual(lines);
  });

  it('that is a setting, is referred to or is our own is not', async () => {
    const dir = await folder();

    expect((await loadSetup({ config: `${dir}/agent.yaml` }, {}, known)).notes).toEqual([]);
    expect((await checkAll([], `${dir}/agent.yaml`, known)).warnings).toEqual([]);
  });

  it('is not judged when only a part of the files is looked at', async () => {
    const dir = await folder();

    expect((await checkAll([`${dir}/pipelines/s.yaml`], null, { ...known, CEILOGRAPH_X: '1' })).warnings).toEqual([]);
  });
});
