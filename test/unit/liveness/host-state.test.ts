import { describe, expect, it } from 'vitest';
import { fromJson, type HostState, newHost, toJson } from '../../../src/core/liveness/host-state.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const late = { since: 1, told: false, never: false, down: true, good: 0 };
const names = ['uptime', 'cpu', 'disk'];
const host: HostState = {
  ...newHost(0, 0, 1),
  late: { ...Object.fromEntries(names.map((name) => [name, late])), swap: { ...late, told: true } },
};

describe('the state of a host', () => {
  it('says once of the services that are late alike what is known of them', () => {
    const row = JSON.parse(JSON.stringify(toJson(host))) as JsonObject;

    expect(row['late']).toEqual([
      { ...late, of: names },
      { ...late, told: true, of: ['swap'] },
    ]);
    expect(fromJson(row)).toEqual(host);
  });

  it('is read as it was written before', () => {
    expect(fromJson(JSON.parse(JSON.stringify(host)) as JsonObject)).toEqual(host);
  });

  it('is stored as it is while nothing is late', () => {
    const well = newHost(0, 0, 1);

    expect(toJson(well)).toBe(well);
    expect(fromJson(toJson(well))).toBe(well);
  });
});
