param name string
param location string
param tags object
param sku string
@description('Whether the resource is created; otherwise a resource of this name exists in the resource group.')
param isNew bool
param privateNetwork bool
param appPrincipalId string

// Face Recognizer may not create groups or persons. Its right to list keys opens nothing: keys are off.
var cognitiveServicesUser = 'a97b65f3-24c7-4388-baec-2e87135dc908'

resource created 'Microsoft.CognitiveServices/accounts@2024-10-01' = if (isNew) {
  name: name
  location: location
  tags: tags
  kind: 'Face'
  sku: { name: sku }
  properties: {
    // Entra sign-in works at a resource's own subdomain only.
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: privateNetwork ? 'Deny' : 'Allow' }
  }
}

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' existing = {
  name: name
}

resource user 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  dependsOn: [created]
  name: guid(account.id, appPrincipalId, cognitiveServicesUser)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cognitiveServicesUser)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output id string = account.id
output endpoint string = isNew ? created!.properties.endpoint : account.properties.endpoint
