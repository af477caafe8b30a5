targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment; every resource is named after it unless its own name is given.')
param environmentName string

@minLength(1)
@description('Region of every resource. Flex Consumption and Face must both be offered there.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Tags for every resource, besides those that azd needs.')
param tags object = {}

@description('Name of the resource group. Empty: rg- and the environment.')
param resourceGroupName string = ''

@description('Name of the function app, worldwide unique. Empty: made of the environment.')
param functionAppName string = ''

@description('Name of the storage account, worldwide unique, 3 to 24 letters and digits. Empty: made of the environment.')
param storageAccountName string = ''

@description('Name of the Service Bus namespace, worldwide unique. Empty: made of the environment.')
param serviceBusName string = ''

@description('Name and subdomain of the Face resource, worldwide unique. Empty: made of the environment.')
param faceName string = ''

@allowed(['F0', 'S0'])
@description('Plan of the Face resource. F0 is free: 20 calls a minute, 30,000 a month, one such resource a subscription.')
param faceSku string = 'S0'

@description('Calls that the plan of the Face resource allows, as FACE_QUOTA. Empty: what the plan has when it is new.')
param faceQuota string = ''

@description('No access from the public internet: private endpoints in a virtual network, and Service Bus Premium, which they need.')
param privateNetwork bool = false

@description('Address space of the virtual network, at least a /25; used with privateNetwork only.')
param addressSpace string = '10.71.0.0/24'

@description('Spread over the zones of the region, where it has them.')
param zoneRedundant bool = false

@allowed(['22', '24'])
@description('Version of Node on the plan.')
param nodeVersion string = '24'

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB. A picture of 100 megapixels needs up to 400 MB while it is converted.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('The most instances of each function. The quota of Face, not the instances, bounds the throughput: few are enough.')
param maximumInstanceCount int = 10

@description('Client ID of the app registration that callers of the HTTP API sign in to. Empty: callers send function keys.')
param authClientId string = ''

@description('Origins whose web pages may call the HTTP API, separated by commas. Empty: no page of another origin.')
param corsOrigins string = ''

@description('Who gets the alerts. Empty: the alerts are there, and tell nobody.')
param alertEmail string = ''

@minValue(30)
@maxValue(730)
@description('Days that logs, traces and metrics are kept.')
param logRetentionDays int = 30

@description('Object ID of who may drop and read pictures with an own sign-in, usually who deploys. Empty: nobody.')
param principalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What principalId is.')
param principalType string = 'User'

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'log-${token}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    appPrincipalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: empty(storageAccountName) ? 'st${token}' : storageAccountName
    location: location
    tags: allTags
    privateNetwork: privateNetwork
    zoneRedundant: zoneRedundant
    appPrincipalId: identity.outputs.principalId
    userPrincipalId: principalId
    userPrincipalType: principalType
  }
}

module serviceBus 'modules/serviceBus.bicep' = {
  name: 'serviceBus'
  scope: group
  params: {
    name: empty(serviceBusName) ? 'sb-${token}' : serviceBusName
    location: location
    tags: allTags
    privateNetwork: privateNetwork
    appPrincipalId: identity.outputs.principalId
  }
}

module face 'modules/face.bicep' = {
  name: 'face'
  scope: group
  params: {
    name: empty(faceName) ? 'face-${token}' : faceName
    location: location
    tags: allTags
    sku: faceSku
    privateNetwork: privateNetwork
    appPrincipalId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: allTags
    addressSpace: addressSpace
  }
}

module functionApp 'modules/functionApp.bicep' = {
  name: 'functionApp'
  scope: group
  params: {
    name: empty(functionAppName) ? 'func-${token}' : functionAppName
    planName: 'plan-${token}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageAccountName: storage.outputs.name
    serviceBusHostName: serviceBus.outputs.hostName
    faceEndpoint: face.outputs.endpoint
    faceQuota: empty(faceQuota) ? (faceSku == 'F0' ? '20/min,30000/month' : '10/s') : faceQuota
    monitoringConnectionString: monitoring.outputs.connectionString
    authClientId: authClientId
    corsOrigins: corsOrigins
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    privateNetwork: privateNetwork
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
  }
}

module endpoints 'modules/privateEndpoints.bicep' = if (privateNetwork) {
  name: 'privateEndpoints'
  scope: group
  params: {
    location: location
    tags: allTags
    virtualNetworkId: network!.outputs.id
    subnetId: network!.outputs.endpointSubnetId
    storageAccountId: storage.outputs.id
    serviceBusId: serviceBus.outputs.id
    faceId: face.outputs.id
    functionAppId: functionApp.outputs.id
  }
}

module eventTopic 'modules/eventTopic.bicep' = {
  name: 'eventTopic'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: allTags
    storageAccountName: storage.outputs.name
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: allTags
    email: alertEmail
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
    faceId: face.outputs.id
    eventTopicId: eventTopic.outputs.id
  }
}

output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = functionApp.outputs.name
output STORAGE_ACCOUNT_NAME string = storage.outputs.name
output EVENT_TOPIC_NAME string = eventTopic.outputs.name
output FACE_ENDPOINT string = face.outputs.endpoint
output ROLLCALL_API string = 'https://${functionApp.outputs.hostName}/api'
