import type { Overview, Point } from '../admin/overview.ts';
import { drawAttention } from './attention.ts';
import { byId, say, set } from './dom.ts';
import { duration } from './format.ts';
import { Hosts } from './hosts.ts';
import { Letters } from './letters.ts';
import { Owners } from './owners.ts';
import { drawPanels } from './panels.ts';
import { Plot } from './plot.ts';
import { follow, learnPaths } from './stream.ts';
import { drawInputs, drawPartitions, drawSinks, drawTargets } from './tables.ts';
import { startTheme } from './theme.ts';
import { drawTiles } from './tiles.ts';
import { ToldList } from './told.ts';

const mostPoints = 720;
/** An overview comes every second or two; what is older than this is shown as old. */
const oldMs = 8_000;

startTheme();
const owners = new Owners();
const hosts = new Hosts();
const letters = new Letters();
const told = new ToldList();
const rates = new Plot(byId('rates-plot'), byId('rates-legend'), 'Notifications and outputs per second', [
  { name: 'outputs', tone: 'tone-0', of: ({ published }) => published },
  { name: 'notifications', tone: 'tone-2', of: ({ received }) => received },
]);
const lag = new Plot(byId('lag-plot'), byId('lag-legend'), 'Waiting entries and outputs', [
  { name: 'entries', tone: 'tone-3', of: ({ entries }) => entries },
  { name: 'outputs', tone: 'tone-1', of: ({ outboxItems }) => outboxItems },
]);

let points: Point[] = [];
let drawnAt = 0;
let connection: 'connecting' | 'live' | 'lost' = 'connecting';
let why = '';
let staleSince: number | null = null;

function draw(now: Overview): void {
  drawnAt = Date.now();
  staleSince = null;
  say(byId('cluster'), now.cluster);
  drawAttention(now);
  drawTiles(now, points);
  owners.draw(now);
  drawPartitions(now);
  drawSinks(now, points);
  drawTargets(now);
  drawInputs(now);
  letters.draw(now);
  drawPanels(now);
  const { agent, build } = now.servedBy;
  say(byId('told-whose'), agent);
  say(
    byId('served'),
    `Served by ${agent}, build ${build}. Rates are over about ten seconds; plots go back to when this agent started, an hour at most.`,
  );
  showConnection();
}

async function learn(): Promise<void> {
  const paths = await learnPaths().catch(() => new Set<string>()); // the stream says that the connection is lost
  hosts.learn(paths);
  letters.learn(paths);
}

/** Said in words beside the dot, for colours are not for everybody. */
function showConnection(): void {
  const age = Date.now() - drawnAt;
  const state = connection !== 'live' ? connection : staleSince !== null ? 'stale' : age > oldMs ? 'old' : 'live';
  const words = {
    connecting: 'connecting',
    live: 'live',
    lost: `connection lost (${why}); trying again`,
    stale: 'the stores do not answer',
    old: `nothing new for ${duration(age)}`,
  }[state];
  set(byId('live'), 'data-state', state);
  say(byId('live-text'), words);
  set(byId('main'), 'class', drawnAt > 0 && state !== 'live' ? 'faded' : '');
}

function drawPlots(): void {
  rates.draw(points);
  lag.draw(points);
}

function askToken(): Promise<string> {
  const form = byId<HTMLFormElement>('token-form');
  set(form, 'hidden', false);
  byId('token').focus();
  return new Promise((resolve) => {
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        set(form, 'hidden', true);
        resolve(byId<HTMLInputElement>('token').value.trim());
      },
      { once: true },
    );
  });
}

setInterval(showConnection, 1_000);
void follow({
  askToken,
  connected: () => {
    connection = 'live';
    told.begin();
    void learn();
    showConnection();
  },
  lost: (reason) => {
    connection = 'lost';
    why = reason;
    showConnection();
  },
  history: (history) => {
    // An agent that was restarted knows less than the page, which keeps what it has seen.
    const first = history.points[0]?.at ?? Number.POSITIVE_INFINITY;
    points = [...points.filter(({ at }) => at < first), ...history.points].slice(-mostPoints);
    drawPlots();
  },
  point: (point) => {
    points = [...points, point].slice(-mostPoints);
    drawPlots();
  },
  overview: draw,
  told: (one) => told.add(one),
  stale: (at) => {
    staleSince = at;
    showConnection();
  },
});
