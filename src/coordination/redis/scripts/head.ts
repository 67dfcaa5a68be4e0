/**
 * The first lines of every script, so that nothing is ever decided on a store that is not the one we know:
 *
 *     KEYS[1] meta   ARGV[1] our cluster id   ARGV[2] our incarnation ('*': any)
 *
 * | answer              | meaning |
 * |---------------------|---------|
 * | `EMPTY`             | no meta: flushed, or never used |
 * | `WRONGCLUSTER`, id  | another cluster's |
 * | `RUN`               | Redis was restarted or replaced since the last recovery: its history may have gone back |
 * | `INC`, incarnation  | somebody recovered meanwhile |
 *
 * The server is asked for its `run_id` each time (0.03 ms): nothing that is kept by a client can know that the next call reaches the
 * same server as the last.
 */
const standing = `
local function run_id() return string.match(redis.call('INFO','server'),'run_id:(%x+)') end
local m = redis.call('HMGET',KEYS[1],'clusterId','inc','run','back','lastNow','floor','kid')
if not m[1] then return {'EMPTY'} end
if m[1] ~= ARGV[1] then return {'WRONGCLUSTER',m[1]} end
if m[3] ~= run_id() then return {'RUN'} end
if ARGV[2] ~= '*' and m[2] ~= ARGV[2] then return {'INC',m[2]} end
local inc, floor = m[2], tonumber(m[6]) or 0
`;

/**
 * Time that never goes back and goes on after a step back of the server's clock: its TIME plus what it was ever set back by. A step
 * ahead counts as passed; leases then end early, which the guard makes safe.
 */
const clock = `
local t = redis.call('TIME')
local back, last = tonumber(m[4]) or 0, tonumber(m[5]) or 0
local now = t[1]*1000 + math.floor(t[2]/1000) + back
local behind = last - now
if behind > 0 then now = last end
`;

/** For the few scripts that each agent runs every second: remembers how far time has come. */
export const tick = `
redis.call('HSET',KEYS[1],'lastNow',now,'back',behind > 0 and back + behind or back)
`;

export const head = standing + clock;

/**
 * The head of every effect on a partition: the lease must be this token's. An expired one is, until another owner acquires.
 *
 *     KEYS[2] lease   ARGV[3] agent   ARGV[4] boot   ARGV[5] epoch   ARGV[6] incarnation
 */
export const guard = `${head}
if inc ~= ARGV[6] then return {'FENCED'} end
local l = redis.call('HMGET',KEYS[2],'agent','boot','epoch')
if l[1] ~= ARGV[3] or l[2] ~= ARGV[4] or l[3] ~= ARGV[5] then return {'FENCED'} end
`;
