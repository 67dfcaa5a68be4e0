import { describe, expect, it } from 'vitest';
import { mergeInventory } from '../../../src/core/liveness/inventory.ts';
import { InventorySchema } from '../../../src/core/liveness/inventory-schema.ts';

function merged(...files: readonly unknown[]) {
  return mergeInventory(files.map((file) => InventorySchema.parse(file)));
}

describe('an inventory', () => {
  it('reaches a host through the templates of its groups, then its own, then its own words', () => {
    const { inventory, problems } = merged({
      templates: {
        linux: { services: { cpu: { interval: '60s' }, disk: { interval: '1h' } } },
        fast: {
          services: { cpu: { interval: '10s' } },
          triggers: { hot: { service: 'cpu', expression: 'load1 > 5', recovery: 'load1 < 3' } },
        },
      },
      groups: { web: { templates: ['base', 'linux'] } },
      hosts: {
        web1: {
          address: '10.0.0.1',
          groups: ['web'],
          templates: ['fast'],
          services: { cpu: { tolerance: '30s' }, disk: { enabled: false } },
        },
      },
    });

    expect(problems).toEqual([]);
    expect(inventory.hosts.get('web1')).toEqual({
      host: 'web1',
      address: '10.0.0.1',
      groups: ['web'],
      parents: [],
      services: [
        { name: 'uptime', intervalMs: 30_000, toleranceMs: 10_000, downAfter: 1 },
        { name: 'cpu', intervalMs: 10_000, toleranceMs: 30_000, downAfter: 1 },
      ],
      triggers: [{ id: 'hot', service: 'cpu', expression: 'load1 > 5', recovery: 'load1 < 3', severity: 'warning' }],
      maintenance: [],
    });
    expect(inventory.groups).toEqual({ web: 1 });
  });

  it('may be spread over files, and leaves out what is switched off', () => {
    const { inventory, problems } = merged(
      { groups: { web: { templates: ['base'] }, old: { templates: ['base'], enabled: false } } },
      {
        hosts: {
          a: { groups: ['web'] },
          b: { groups: ['web'], enabled: false },
          c: { groups: ['old'], templates: ['base'] },
          d: null,
        },
      },
    );

    expect(problems).toEqual([]);
    expect([...inventory.hosts.keys()]).toEqual(['a', 'c', 'd']);
    expect(inventory.hosts.get('c')?.groups).toEqual([]);
  });

  it('says what does not fit together, and where', () => {
    const { problems } = merged(
      { groups: { web: { templates: ['nothing'] } }, hosts: { a: { groups: ['wbe'], parents: ['r'], templates: ['none'] } } },
      { hosts: { a: {}, b: { triggers: { t: { service: 'cpu', expression: 'x' } } } } },
    );

    expect(problems.map(({ file, path, message }) => `${file} ${path.join('.')}: ${message}`)).toEqual([
      '1 hosts.a: "a" is also in an earlier file',
      '0 groups.web.templates: there is no template "nothing"',
      '0 hosts.a.groups: there is no group "wbe"',
      '0 hosts.a.templates: there is no template "none"',
      '0 hosts.a.parents: there is no host "r"',
      '1 hosts.b: trigger "t" looks at the service "cpu", which it does not have',
    ]);
  });

  it.each([
    [{ hosts: { a: { services: { cpu: { interval: 'soon' } } } } }, 'duration'],
    [{ hosts: { a: { triggers: { t: { service: 'cpu', expression: 'load1 >' } } } } }, 'expression'],
    [{ hosts: { 'a\nb': {} } }, 'name'],
    [{ hots: {} }, 'Unrecognized'],
  ])('refuses %j', (file, what) => {
    const parsed = InventorySchema.safeParse(file);

    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toContain(what);
  });
});
