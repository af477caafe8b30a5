using '../../../../infra/main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param privateNetwork = true
param zoneRedundant = true
param authClientId = '00000000-0000-0000-0000-000000000005'
param alertEmail = 'operators@example.com'
param faceResource = 'face-of-another-app'
param alwaysReady = [{ name: 'http', instanceCount: 1 }]
param appSettings = { ENROLL_MIN_QUALITY: 'medium', FACE_QUOTA: '100/s' }
