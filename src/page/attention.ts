import type { Overview } from '../admin/overview.ts';
import { byId, el, keep, say, set } from './dom.ts';
import { count } from './format.ts';
import { type Finding, judge } from './judge.ts';

/** The verdict at the top of the page, in its title and its icon's stead on a tab. */
export function drawAttention(now: Overview): void {
  const findings = judge(now);
  const critical = findings.some(({ level }) => level === 'critical');
  const tone = critical ? 'critical' : findings.length > 0 ? 'warning' : 'good';
  set(byId('attention'), 'data-tone', tone);
  say(
    byId('attention-title'),
    findings.length === 0 ? 'All is well' : `${count(findings.length, 'thing needs', 'things need')} attention`,
  );
  keep<Finding, HTMLLIElement>(
    byId('attention-list'),
    findings,
    ({ text }) => text,
    ({ text }) => el('li', {}, text),
    (item, { level }) => set(item, 'class', level),
  );
  const mark = critical ? '✖ ' : findings.length > 0 ? '⚠ ' : '';
  document.title = `${mark}${now.cluster} · ceilograph`;
}
