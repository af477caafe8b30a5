import { containers, functionNames, largestImageBytes, queues, tables } from '../shared/config/resources.ts';

/** The resources that the Bicep files create for the pipeline, with the property names of Azure Resource Manager. */
export function azureResources() {
  return {
    containers: Object.values(containers),
    tables: Object.values(tables),
    queues: Object.values(queues).map((queue) => ({ name: queue.name, properties: toProperties(queue) })),
    created: [
      { container: containers.enroll, function: functionNames.detectFaces },
      { container: containers.identify, function: functionNames.identifyDropped },
    ],
    deleted: [
      { container: containers.enroll, function: functionNames.removePicture },
      { container: containers.identify, function: functionNames.removePicture },
    ],
    largestImageBytes,
  };
}

/** No property is left to a default: each is either fixed once the queue exists, or affects the messages in it. */
function toProperties(queue: (typeof queues)[keyof typeof queues]) {
  return {
    requiresSession: queue.requiresSession,
    lockDuration: `PT${queue.lockDurationSeconds}S`,
    maxDeliveryCount: queue.maxDeliveryCount,
    defaultMessageTimeToLive: `PT${queue.defaultTimeToLiveSeconds}S`,
    deadLetteringOnMessageExpiration: queue.deadLetteringOnExpiration,
    enablePartitioning: false,
    requiresDuplicateDetection: 'duplicateDetectionWindowSeconds' in queue,
    ...('duplicateDetectionWindowSeconds' in queue && {
      duplicateDetectionHistoryTimeWindow: `PT${queue.duplicateDetectionWindowSeconds}S`,
    }),
  };
}
