import { byId, say, set } from './dom.ts';

const key = 'ceilograph.theme';
const choices = ['system', 'light', 'dark'] as const;

/** Light, dark, or what the system says; remembered in this browser. */
export function startTheme(): void {
  const button = byId('theme');
  let chosen = Math.max(0, choices.indexOf((localStorage.getItem(key) ?? '') as (typeof choices)[number]));
  const show = () => {
    const choice = choices[chosen] ?? choices[0];
    set(document.documentElement, 'data-theme', chosen === 0 ? false : choice);
    say(button, `Theme: ${choice}`);
  };
  button.addEventListener('click', () => {
    chosen = (chosen + 1) % choices.length;
    localStorage.setItem(key, choices[chosen] ?? '');
    show();
  });
  show();
}
