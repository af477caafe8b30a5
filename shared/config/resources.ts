/**
 * The one description of what the pipeline needs around it: the embedded stack creates it, the code uses it.
 * Sessions keep the changes of one person, and the ticks of one group, one at a time and in order.
 */
export const containers = { enroll: 'enroll', identify: 'identify' } as const;

export const tables = {
  groups: 'groups',
  images: 'images',
  reminders: 'reminders',
  trainings: 'trainings',
  faceIds: 'faceids',
  results: 'results',
  quota: 'quota',
  erasures: 'erasures',
} as const;

const daySeconds = 86_400;
/** What has not been worked on by then is found by the resync. */
export const messageLifetimeSeconds = 7 * daySeconds;
/** Dead letters never expire by themselves: the resync drops them once a day, so that none is older than a week. */
export const deadLetterLifetimeSeconds = 6 * daySeconds;

export const queues = {
  /** A picture to look at. */
  images: {
    name: 'images',
    requiresSession: false,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
  /** A person whose pictures have something to do in Face; the session is the person. */
  persons: {
    name: 'persons',
    requiresSession: true,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
  /** A group whose training is to be looked at; the session is the group. */
  trainings: {
    name: 'trainings',
    requiresSession: true,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
    // Longer than a tick lies ahead plus the skew of clocks: a burst of changes is one tick.
    duplicateDetectionWindowSeconds: 600,
  },
  /** A group that was deleted and of which things are left; the session is the group. */
  erasures: {
    name: 'erasures',
    requiresSession: true,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
  /** No function listens here: what was given up passes through to the dead-letter queue, with its code. */
  failures: {
    name: 'failures',
    requiresSession: false,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
} as const;

/** The app's connection settings, as bindings name them. */
export const connections = { storage: 'ROLLCALL_STORAGE', serviceBus: 'ROLLCALL_SERVICEBUS' } as const;

/** Names of the functions that Event Grid calls. */
export const functionNames = {
  detectFaces: 'detectFaces',
  identifyDropped: 'identifyDropped',
  removePicture: 'removePicture',
} as const;

/** The blob trigger loads a whole blob; a larger one never reaches it (Event Grid filters) and the resync refuses it. */
export const largestImageBytes = 64 * 1024 * 1024;

/** Where the blob trigger of the Functions host puts what failed five times. */
export const poisonQueue = 'webjobs-blobtrigger-poison';
