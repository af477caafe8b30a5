param location string
param tags object
@description('Empty: nobody is notified.')
param email string
param workspaceId string
param serviceBusId string
param faceId string
param eventTopicId string

// What the platform counts. docs/operations.md says what to do about each.
var metricAlerts = [
  {
    name: 'dead-letters'
    text: 'Something was given up: a queue has dead letters.'
    severity: 2
    scope: serviceBusId
    namespace: 'Microsoft.ServiceBus/namespaces'
    metric: 'DeadletteredMessages'
    aggregation: 'Maximum'
    threshold: 0
  }
  {
    name: 'face-throttled'
    text: 'Face refuses calls for their rate (429).'
    severity: 2
    scope: faceId
    namespace: 'Microsoft.CognitiveServices/accounts'
    metric: 'BlockedCalls'
    aggregation: 'Total'
    threshold: 0
  }
  {
    name: 'events-dead-lettered'
    text: 'Event Grid could not deliver more than ten events within five minutes; the resync finds the images all the same.'
    severity: 3
    scope: eventTopicId
    namespace: 'Microsoft.EventGrid/systemTopics'
    metric: 'DeadLetteredCount'
    aggregation: 'Total'
    threshold: 10
  }
]

// What the pipeline counts itself (shared/telemetry/metrics.ts).
var queryAlerts = [
  {
    name: 'trainings-fail'
    text: 'Trainings of a group failed three times within the quarter of an hour.'
    severity: 2
    window: 'PT15M'
    threshold: 2
    query: '''
      AppMetrics
      | where Name == 'rollcall.trainings' and tostring(Properties['rollcall.outcome']) == 'failed'
      | summarize Value = sum(Sum)'''
  }
  {
    name: 'backlog-age'
    text: 'The oldest image that waits has waited for half an hour.'
    severity: 2
    window: 'PT15M'
    threshold: 1800
    query: '''
      AppMetrics
      | where Name == 'rollcall.backlog.oldest_age'
      | summarize Value = max(Sum)'''
  }
  {
    name: 'quota-near-end'
    text: 'More than nine tenths of the calls a second that Face allows were used for a quarter of an hour.'
    severity: 3
    window: 'PT15M'
    threshold: 90
    query: '''
      AppMetrics
      | where Name in ('rollcall.face.calls', 'rollcall.face.quota.limit')
      | summarize Calls = sumif(Sum, Name == 'rollcall.face.calls'),
                  Limit = maxif(Sum, Name == 'rollcall.face.quota.limit' and tostring(Properties['rollcall.window']) == 'second')
      | where Limit > 0
      | project Value = 100.0 * Calls / (Limit * 900)'''
  }
  {
    name: 'volume-near-end'
    text: 'At the pace of the last two days the monthly volume of the Face plan is used up before its end.'
    severity: 3
    window: 'P2D'
    threshold: 90
    query: '''
      AppMetrics
      | where Name in ('rollcall.face.calls', 'rollcall.face.quota.limit')
      | summarize Calls = sumif(Sum, Name == 'rollcall.face.calls'),
                  Limit = maxif(Sum, Name == 'rollcall.face.quota.limit' and tostring(Properties['rollcall.window']) == 'month')
      | where Limit > 0
      | project Value = 100.0 * Calls / (Limit * 2 / 30)'''
  }
  {
    name: 'errors'
    text: 'Images failed for a cause that was not theirs.'
    severity: 2
    window: 'PT15M'
    threshold: 0
    query: '''
      AppMetrics
      | where Name == 'rollcall.images' and tostring(Properties['rollcall.state']) == 'failed'
      | summarize Value = sum(Sum)'''
  }
]

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'rollcall-operators'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'rollcall'
    emailReceivers: [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource onMetrics 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in metricAlerts: {
    name: 'rollcall-${alert.name}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.text
      severity: alert.severity
      enabled: true
      scopes: [alert.scope]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT5M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: alert.name
            metricNamespace: alert.namespace
            metricName: alert.metric
            timeAggregation: alert.aggregation
            operator: 'GreaterThan'
            threshold: alert.threshold
          }
        ]
      }
      actions: empty(email) ? [] : [{ actionGroupId: operators.id }]
    }
  }
]

resource onQueries 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in queryAlerts: {
    name: 'rollcall-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'rollcall-${alert.name}'
      description: alert.text
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: alert.window == 'P2D' ? 'PT1H' : 'PT15M'
      windowSize: alert.window
      autoMitigate: true
      // The tables come with the first metrics.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Maximum'
            metricMeasureColumn: 'Value'
            operator: 'GreaterThan'
            threshold: alert.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: empty(email) ? [] : [operators.id] }
    }
  }
]
