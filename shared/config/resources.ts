/*
 * The Azure resources that the pipeline uses, read by the embedded stack and the Bicep files. Sessions serialise the
 * messages of one person, and those of one group.
 */
export const containers = { enroll: 'enroll', identify: 'identify' } as const;

/** The container into which Event Grid writes events that it could not deliver. */
export const undeliveredEvents = 'event-dead-letters';

/**
 * How far the clock of an instance may be behind the clock of the broker: a scheduled message that seems to arrive up to
 * this much early is on time.
 */
export const brokerClockSkewMs = 500;

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
/** The time to live of a message; work whose message has expired is found by the resync. */
export const messageLifetimeSeconds = 7 * daySeconds;
/** Dead-lettered messages never expire: the resync deletes old ones once a day, so that none is older than a week. */
export const deadLetterLifetimeSeconds = 6 * daySeconds;

export const queues = {
  /** Images to reconcile. */
  images: {
    name: 'images',
    requiresSession: false,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
  /** People with images for which Face has to be changed; the session is the person. */
  persons: {
    name: 'persons',
    requiresSession: true,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
  /** Groups whose training is to be reconciled; the session is the group. */
  trainings: {
    name: 'trainings',
    requiresSession: true,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
    // Longer than a message is scheduled ahead plus the skew of clocks, so that a burst of changes becomes one message.
    duplicateDetectionWindowSeconds: 600,
  },
  /** Deleted groups with data left to erase; the session is the group. */
  erasures: {
    name: 'erasures',
    requiresSession: true,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
  /** Given-up images on their way to the dead-letter queue, with the failure's code as reason. No function listens. */
  failures: {
    name: 'failures',
    requiresSession: false,
    lockDurationSeconds: 15,
    maxDeliveryCount: 10,
    deadLetteringOnExpiration: false,
    defaultTimeToLiveSeconds: messageLifetimeSeconds,
  },
} as const;

/** The connection settings of the app, by the names that bindings use. */
export const connections = { storage: 'ROLLCALL_STORAGE', serviceBus: 'ROLLCALL_SERVICEBUS' } as const;

/** Names of the functions that Event Grid calls. */
export const functionNames = {
  detectFaces: 'detectFaces',
  identifyDropped: 'identifyDropped',
  removePicture: 'removePicture',
} as const;

/**
 * The largest blob that is processed, because the blob trigger loads a whole blob. Event Grid filters out events of
 * larger blobs, and the resync refuses them.
 */
export const largestImageBytes = 64 * 1024 * 1024;

/** The storage queue where the blob trigger of the Functions host puts a message that failed five times. */
export const poisonQueue = 'webjobs-blobtrigger-poison';
