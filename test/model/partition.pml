/* One partition under every interleaving that fits: two agents, a queue with two notifications and a repeat of the first, a store that
 * answers once it is on disk (appendfsync always), leases that run out while their holder lives, agents that die, channels that break,
 * answers that are lost, and a store that is killed and comes back with what it had on disk.
 *
 * The names are those of the code: `guard` stands at the head of every script (src/state/redis), `version` is compared by a commit, a
 * commit that comes again under its id is answered and not done twice, outputs go out after their commit is durable, the outbox is
 * cleared after they are out, entries are settled last.
 *
 * Promises, as assertions:
 *   counted once     the state is the number of notifications applied
 *   never invented   what is published stands in a commit that a crash cannot take back, and has one content for ever
 *   never lost       what is settled is applied on disk, and its output is out or stands in the outbox there
 *   it goes on       the system cannot stand still before everything is settled (an invalid end state otherwise)
 *
 * Each NO_… and EARLY_… takes one protection away; `npm run test:model` says which of them must be missed.
 */
#define NOBODY 9
#define AGENTS 2
#define DELIVERIES 3
#define idOf(d) ((d) == 2 -> 0 : (d))
#define bit(m) (1 << (m))
#define countOf(set) (((set) & 1) + (((set) >> 1) & 1))

/* How often each may happen: more finds nothing new and takes much longer. */
#ifndef EXPIRIES
#define EXPIRIES 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#ifndef LOST_ANSWERS
#define LOST_ANSWERS 1
#endif

mtype = { READY, HELD, SETTLED };
mtype delivery[DELIVERIES];
byte heldBy[DELIVERIES];
bool attached[AGENTS] = true;

/* The store: as scripts see it, and as the disk has it. */
typedef Store { byte epoch, owner, state, applied, version, commit, outbox[2] };
Store live, disk;
byte incarnation;
byte lives[AGENTS]; /* the epoch an agent believes in, 0 without a lease */

byte published[2]; /* content that the target has, 0 before */
byte expiries = EXPIRIES, deaths = DEATHS, cuts = CUTS, restarts = RESTARTS, lostAnswers = LOST_ANSWERS;

#ifdef NO_EPOCH
#define sameLease true
#else
#define sameLease (live.epoch == epoch && live.owner == me)
#endif
#ifdef NO_INCARNATION
#define sameIncarnation true
#else
#define sameIncarnation (incarnation == since)
#endif
#define guard (sameLease && sameIncarnation)
#ifdef NO_VERSION
#define sameVersion true
#else
#define sameVersion (live.version == version)
#endif

inline copy(to, from) {
  to.epoch = from.epoch; to.owner = from.owner; to.state = from.state; to.applied = from.applied;
  to.version = from.version; to.commit = from.commit; to.outbox[0] = from.outbox[0]; to.outbox[1] = from.outbox[1]
}

#define differs (disk.version != live.version || disk.epoch != live.epoch || disk.owner != live.owner || disk.outbox[0] != live.outbox[0] || disk.outbox[1] != live.outbox[1])

inline giveBack(agent) {
  for (i : 0 .. DELIVERIES - 1) {
    if :: delivery[i] == HELD && heldBy[i] == agent -> delivery[i] = READY; heldBy[i] = NOBODY :: else fi
  }
  i = 0
}

inline mayDie() { if :: skip :: atomic { deaths > 0 -> deaths-- }; goto gone fi }

/* The answer comes once the disk has it; a restart in between is told by the guard. */
inline untilDurable() {
  atomic { if :: disk.version >= version && guard -> skip :: !guard -> goto gone fi }
}

inline publish(m) {
  if
  :: outbox[m] != 0 ->
#ifdef EARLY_CLEAR
     atomic { if :: guard -> live.outbox[m] = 0 :: else -> goto gone fi };
     mayDie();
#endif
     atomic {
       assert(disk.applied & bit(m));                             /* never invented */
       if :: published[m] == 0 -> published[m] = outbox[m] :: else -> assert(published[m] == outbox[m]) fi
     };
     mayDie();
#ifndef EARLY_CLEAR
     atomic { if :: guard -> live.outbox[m] = 0 :: else -> goto gone fi };
#endif
     outbox[m] = 0
  :: else
  fi
}

inline settle() {
  atomic {
    if
    :: attached[me] && delivery[d] == HELD && heldBy[d] == me ->
       delivery[d] = SETTLED;
       assert(disk.applied & bit(m));                             /* never lost */
       assert(published[m] != 0 || disk.outbox[m] != 0)
    :: else -> skip
    fi
  }
}

proctype Agent(byte me) {
  byte epoch, since, state, applied, version, d, m, i;
  byte outbox[2];
start:
end_waiting:
  atomic { live.owner == NOBODY -> live.epoch++; live.owner = me; epoch = live.epoch; since = incarnation; lives[me] = epoch };
  atomic {
    if
    :: guard -> state = live.state; applied = live.applied; version = live.version; outbox[0] = live.outbox[0]; outbox[1] = live.outbox[1]
    :: else -> goto gone
    fi
  };
  untilDurable();
  publish(0); publish(1);
next:
end_reading:
  if
  :: atomic { attached[me] && delivery[0] == READY -> delivery[0] = HELD; heldBy[0] = me; d = 0 }
  :: atomic { attached[me] && delivery[1] == READY -> delivery[1] = HELD; heldBy[1] = me; d = 1 }
  :: atomic { attached[me] && delivery[2] == READY -> delivery[2] = HELD; heldBy[2] = me; d = 2 }
  :: atomic { !attached[me] -> attached[me] = true; goto next }
  :: atomic { !guard || live.owner != me -> goto gone }           /* not renewed */
  fi;
  m = idOf(d);
#ifdef EARLY_SETTLE
  atomic { if :: attached[me] && delivery[d] == HELD && heldBy[d] == me -> delivery[d] = SETTLED :: else -> skip fi };
#endif
  if
#ifndef NO_IDS
  :: (applied & bit(m)) -> skip
  :: else ->
#else
  :: true ->
#endif
     state++; applied = applied | bit(m); outbox[m] = state;
#ifdef EARLY_PUBLISH
     publish(m); outbox[m] = state;
#endif
     mayDie();
commit:
     atomic {
       if
       :: guard && sameVersion ->
          live.state = state; live.applied = live.applied | bit(m); live.version++; live.commit = epoch * 8 + version + 1;
          live.outbox[m] = state;
          assert(live.state == countOf(live.applied))             /* counted once */
       :: guard && !sameVersion && live.commit == epoch * 8 + version + 1 -> skip   /* it was done, the answer was lost */
       :: else -> goto gone
       fi
     };
     if :: skip :: atomic { lostAnswers > 0 -> lostAnswers-- }; goto commit fi;
     version++;
     mayDie()
  fi;
  untilDurable();
  publish(0); publish(1);
  mayDie();
#ifndef EARLY_SETTLE
  settle();
#endif
  goto next;
gone:
  atomic {
    giveBack(me); attached[me] = true; lives[me] = 0;
    epoch = 0; since = 0; state = 0; applied = 0; version = 0; d = 0; m = 0; outbox[0] = 0; outbox[1] = 0;
    goto start
  }
}

proctype World() {
  byte i, x;
end_world:
  do
  :: atomic { live.owner != NOBODY && lives[live.owner] != live.epoch -> live.owner = NOBODY }   /* of one that is gone */
  :: atomic { live.owner != NOBODY && expiries > 0 -> expiries--; live.owner = NOBODY }          /* of one that sleeps */
  :: atomic { cuts > 0 -> cuts--; if :: x = 0 :: x = 1 fi; attached[x] = false; giveBack(x); x = 0 }
  :: atomic { (differs) -> copy(disk, live) }
  :: atomic {
       restarts > 0 -> restarts--; copy(live, disk);
#ifndef NO_FLOOR
       live.epoch = live.epoch + 2; live.owner = NOBODY; copy(disk, live);    /* RECOVER */
#endif
       incarnation++
     }
  od
}

proctype Everything() {
  atomic {
    delivery[0] == SETTLED && delivery[1] == SETTLED && delivery[2] == SETTLED ->
    assert(live.applied == 3 && live.state == 2)
  };
  atomic { published[0] != 0 && published[1] != 0 }
}

init {
  atomic {
    live.owner = NOBODY; disk.owner = NOBODY;
    delivery[0] = READY; delivery[1] = READY; delivery[2] = READY;
    heldBy[0] = NOBODY; heldBy[1] = NOBODY; heldBy[2] = NOBODY;
    run Agent(0); run Agent(1); run World(); run Everything()
  }
}
