param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param storageAccountName string
param serviceBusHostName string
param faceEndpoint string
param faceQuota string
param monitoringConnectionString string
@description('Empty: callers of the HTTP API send function keys.')
param authClientId string
@description('Origins whose web pages may call the HTTP API, separated by commas.')
param corsOrigins string
param nodeVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param alwaysReady array
param appSettings object
param zoneRedundant bool
param privateNetwork bool
@description('Where outbound calls leave from; used with privateNetwork only.')
param subnetId string

var storageSuffix = environment().suffixes.storage
var storageUris = {
  blobServiceUri: 'https://${storageAccountName}.blob.${storageSuffix}'
  queueServiceUri: 'https://${storageAccountName}.queue.${storageSuffix}'
  tableServiceUri: 'https://${storageAccountName}.table.${storageSuffix}'
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'rollcall' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: privateNetwork ? subnetId : null
    // The address stays public for Event Grid alone, which has no way into a network; callers use the private endpoint.
    publicNetworkAccess: 'Enabled'
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storageUris.blobServiceUri}/deployments'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      cors: { allowedOrigins: empty(corsOrigins) ? [] : split(corsOrigins, ',') }
      ipSecurityRestrictionsDefaultAction: privateNetwork ? 'Deny' : 'Allow'
      ipSecurityRestrictions: privateNetwork
        ? [{ name: 'EventGrid', priority: 100, action: 'Allow', tag: 'ServiceTag', ipAddress: 'AzureEventGrid' }]
        : []
      // Deployments come here, signed in with Entra.
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  // A deployment replaces the settings as a whole: what is set by hand in the portal is lost with the next one.
  properties: union(
    {
      AzureWebJobsStorage__blobServiceUri: storageUris.blobServiceUri
      AzureWebJobsStorage__queueServiceUri: storageUris.queueServiceUri
      AzureWebJobsStorage__tableServiceUri: storageUris.tableServiceUri
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      ROLLCALL_STORAGE__blobServiceUri: storageUris.blobServiceUri
      ROLLCALL_STORAGE__queueServiceUri: storageUris.queueServiceUri
      ROLLCALL_STORAGE__tableServiceUri: storageUris.tableServiceUri
      ROLLCALL_STORAGE__credential: 'managedidentity'
      ROLLCALL_STORAGE__clientId: identityClientId
      ROLLCALL_SERVICEBUS__fullyQualifiedNamespace: serviceBusHostName
      ROLLCALL_SERVICEBUS__credential: 'managedidentity'
      ROLLCALL_SERVICEBUS__clientId: identityClientId
      AZURE_CLIENT_ID: identityClientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoringConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      ROLLCALL_TELEMETRY: 'azure'
      ROLLCALL_AUTH: empty(authClientId) ? 'keys' : 'entra'
      FACE_ENDPOINT: faceEndpoint
      FACE_QUOTA: faceQuota
    },
    appSettings
  )
}

resource authentication 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(authClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: { enabled: true }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      // Event Grid brings a key of its own; health is open. The exact paths stand beside the wildcard, which is not
      // proven on Flex Consumption.
      excludedPaths: ['/runtime/webhooks/*', '/runtime/webhooks/blobs', '/runtime/webhooks/EventGrid', '/api/health']
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: authClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: { allowedAudiences: [authClientId, 'api://${authClientId}'] }
      }
    }
    login: { tokenStore: { enabled: false } }
  }
}

// Nobody deploys with a user name and a password.
resource noBasicPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = [
  for way in ['ftp', 'scm']: {
    parent: app
    // The names are known policies, but the loop hides them from the compiler.
    #disable-next-line BCP225
    name: way
    properties: { allow: false }
  }
]

output id string = app.id
output name string = app.name
output hostName string = app.properties.defaultHostName
