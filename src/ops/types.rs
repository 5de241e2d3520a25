//! The types that answers are made of: the service's own metadata (Endpoint) and Graph's, as far as the declared operations reach.

use super::model::{Entity, EnumType, Property};

const fn p(name: &'static str, ty: &'static str) -> Property {
    Property { name, ty }
}

/// Every type, bases before what is derived from them.
#[rustfmt::skip]
pub const ENTITIES: &[Entity] = &[
    Entity { name: "AadUsersGroup", base: None, key: None, properties: &[
        p("displayName", "String"), p("id", "String"),
    ] },
    Entity { name: "ActionAvailability", base: None, key: None, properties: &[
        p("action", "FullActionType"), p("isAvailable", "Boolean"), p("notSupportedReason", "String"),
    ] },
    Entity { name: "AdvancedActiveConfiguration", base: None, key: None, properties: &[
        p("addresses", "Collection(String)"), p("siteId", "String"), p("scanIdentifier", "String"),
        p("maxConcurrentScans", "Int32"), p("portCheckTimeout", "Single"), p("singleScanTimeout", "Int32"),
        p("disabledScanners", "Collection(String)"), p("enabledEndpoints", "Collection(String)"), p("exportHMI", "Boolean"),
        p("externalAddress", "Boolean"), p("enableTCPPortScan", "Boolean"), p("exportSuccessfullOnlyAddresses", "Boolean"),
        p("zone", "String"), p("force", "Boolean"), p("safe", "Boolean"),
    ] },
    Entity { name: "Alert", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("incidentId", "Int64"), p("investigationId", "Int64"), p("assignedTo", "String"),
        p("severity", "AlertSeverity"), p("status", "AlertStatus"), p("classification", "AlertClassification"),
        p("determination", "AlertDetermination"), p("investigationState", "InvestigationState"), p("detectionSource", "DetectionSource"),
        p("detectorId", "String"), p("category", "String"), p("threatFamilyName", "String"), p("title", "String"),
        p("description", "String"), p("alertCreationTime", "DateTimeOffset"), p("firstEventTime", "DateTimeOffset"),
        p("lastEventTime", "DateTimeOffset"), p("lastUpdateTime", "DateTimeOffset"), p("resolvedTime", "DateTimeOffset"),
        p("machineId", "String"), p("computerDnsName", "String"), p("rbacGroupName", "String"), p("aadTenantId", "String"),
        p("relatedUser", "AlertRelatedUser"), p("threatName", "String"), p("mitreTechniques", "Collection(String)"),
        p("loggedOnUsers", "Collection(LoggedOnUser)"), p("comments", "Collection(AlertComment)"),
        p("evidence", "Collection(AlertEvidence)"), p("domains", "Collection(Domain)"),
    ] },
    Entity { name: "AlertComment", base: None, key: None, properties: &[
        p("comment", "String"), p("createdBy", "String"), p("createdTime", "DateTimeOffset"),
    ] },
    Entity { name: "AlertEvidence", base: None, key: None, properties: &[
        p("entityType", "EntityType"), p("evidenceCreationTime", "DateTimeOffset"), p("sha1", "String"), p("sha256", "String"),
        p("fileName", "String"), p("filePath", "String"), p("processId", "Int64"), p("processCommandLine", "String"),
        p("processCreationTime", "DateTimeOffset"), p("parentProcessId", "Int64"), p("parentProcessCreationTime", "DateTimeOffset"),
        p("parentProcessFileName", "String"), p("parentProcessFilePath", "String"), p("ipAddress", "String"), p("url", "String"),
        p("registryKey", "String"), p("registryHive", "String"), p("registryValueType", "String"), p("registryValue", "String"),
        p("registryValueName", "String"), p("accountName", "String"), p("domainName", "String"), p("userSid", "String"),
        p("aadUserId", "String"), p("userPrincipalName", "String"), p("detectionStatus", "String"),
    ] },
    Entity { name: "AlertRelatedUser", base: None, key: None, properties: &[
        p("userName", "String"), p("domainName", "String"),
    ] },
    Entity { name: "AssetBaselineAssessment", base: None, key: None, properties: &[
        p("id", "String"), p("configurationId", "String"), p("deviceId", "String"), p("deviceName", "String"),
        p("profileId", "String"), p("osPlatform", "String"), p("osVersion", "String"), p("rbacGroupId", "Int64"),
        p("rbacGroupName", "String"), p("isApplicable", "Boolean"), p("isCompliant", "Boolean"),
        p("dataCollectionTimeOffset", "String"), p("complianceCalculationTimeOffset", "String"),
        p("recommendedValue", "Collection(String)"), p("currentValue", "Collection(String)"), p("rawValue", "Collection(String)"),
        p("source", "Collection(String)"), p("isExempt", "Boolean"), p("complianceEvaluationDetails", "String"),
    ] },
    Entity { name: "AssetBrowserExtension", base: None, key: None, properties: &[
        p("deviceId", "String"), p("rbacGroupId", "Int64"), p("rbacGroupName", "String"), p("installationTime", "DateTimeOffset"),
        p("browserName", "String"), p("extensionId", "String"), p("extensionName", "String"), p("extensionDescription", "String"),
        p("extensionVersion", "String"), p("extensionRisk", "String"), p("extensionVendor", "String"), p("isActivated", "Boolean"),
        p("permissions", "Collection(BrowserExtensionPermission)"),
    ] },
    Entity { name: "AssetCertificateAssessment", base: None, key: None, properties: &[
        p("deviceId", "String"), p("deviceName", "String"), p("thumbprint", "String"), p("path", "String"),
        p("signatureAlgorithm", "String"), p("keySize", "Int32"), p("expirationDate", "DateTimeOffset"),
        p("issueDate", "DateTimeOffset"), p("subjectType", "String"), p("serialNumber", "String"), p("issuedTo", "String"),
        p("issuedBy", "String"), p("keyUsage", "String"), p("extendedKeyUsage", "String"), p("rbacGroupId", "Int32"),
        p("rbacGroupName", "String"),
    ] },
    Entity { name: "AssetConfiguration", base: None, key: None, properties: &[
        p("deviceId", "String"), p("rbacGroupId", "Int64"), p("rbacGroupName", "String"), p("deviceName", "String"),
        p("osPlatform", "String"), p("osVersion", "String"), p("timestamp", "String"), p("configurationId", "String"),
        p("configurationCategory", "String"), p("configurationSubcategory", "String"), p("configurationImpact", "Double"),
        p("isCompliant", "Boolean"), p("isApplicable", "Boolean"), p("isExpectedUserImpact", "Boolean"),
        p("configurationName", "String"), p("recommendationReference", "String"),
    ] },
    Entity { name: "AssetHardwareFirmware", base: None, key: None, properties: &[
        p("deviceId", "String"), p("rbacGroupId", "Int64"), p("rbacGroupName", "String"), p("deviceName", "String"),
        p("componentType", "String"), p("manufacturer", "String"), p("componentName", "String"), p("componentVersion", "String"),
        p("additionalFields", "String"),
    ] },
    Entity { name: "AssetNonCpeSoftware", base: None, key: None, properties: &[
        p("deviceId", "String"), p("rbacGroupId", "Int64"), p("rbacGroupName", "String"), p("deviceName", "String"),
        p("osPlatform", "String"), p("softwareVendor", "String"), p("softwareName", "String"), p("softwareVersion", "String"),
        p("softwareLastSeenTimestamp", "String"), p("registryPath", "String"),
    ] },
    Entity { name: "AssetSoftware", base: None, key: None, properties: &[
        p("deviceId", "String"), p("rbacGroupId", "Int64"), p("rbacGroupName", "String"), p("deviceName", "String"),
        p("osPlatform", "String"), p("softwareVendor", "String"), p("softwareName", "String"), p("softwareVersion", "String"),
        p("numberOfWeaknesses", "Int32"), p("diskPaths", "Collection(String)"), p("registryPaths", "Collection(String)"),
        p("softwareFirstSeenTimestamp", "String"), p("endOfSupportStatus", "String"), p("endOfSupportDate", "String"),
    ] },
    Entity { name: "AssetVulnerability", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("deviceId", "String"), p("rbacGroupId", "Int64"), p("rbacGroupName", "String"),
        p("deviceName", "String"), p("osPlatform", "String"), p("osVersion", "String"), p("osArchitecture", "String"),
        p("softwareVendor", "String"), p("softwareName", "String"), p("softwareVersion", "String"), p("cveId", "String"),
        p("vulnerabilitySeverityLevel", "String"), p("recommendedSecurityUpdate", "String"),
        p("recommendedSecurityUpdateId", "String"), p("recommendedSecurityUpdateUrl", "String"),
        p("diskPaths", "Collection(String)"), p("registryPaths", "Collection(String)"), p("lastSeenTimestamp", "String"),
        p("firstSeenTimestamp", "String"), p("endOfSupportStatus", "String"), p("endOfSupportDate", "String"),
        p("exploitabilityLevel", "String"), p("recommendationReference", "String"), p("cvssScore", "Double"),
        p("securityUpdateAvailable", "Boolean"), p("cveMitigationStatus", "String"),
    ] },
    Entity { name: "AuthParamsBase", base: None, key: None, properties: &[
        p("keyVaultUri", "String"), p("keyVaultSecretName", "String"),
    ] },
    Entity { name: "BaselineConfiguration", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("uniqueId", "String"), p("benchmarkName", "String"), p("benchmarkVersion", "String"),
        p("name", "String"), p("description", "String"), p("category", "String"), p("complianceLevels", "Collection(String)"),
        p("cce", "String"), p("rationale", "String"), p("remediation", "String"), p("recommendedValue", "Collection(String)"),
        p("source", "Collection(String)"), p("isCustom", "Boolean"), p("assessmentMethod", "String"),
    ] },
    Entity { name: "BaselineException", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("approvedBy", "String"), p("justification", "String"), p("dueDate", "DateTimeOffset"),
        p("description", "String"), p("status", "String"), p("isActive", "Boolean"), p("softwareName", "String"),
        p("softwareVersion", "String"), p("benchmarkName", "String"), p("benchmarkVersion", "String"),
        p("complianceLevel", "String"), p("configurations", "Collection(BaselineExceptionConfiguration)"),
        p("devices", "Collection(BaselineExceptionDevice)"), p("lastModifiedOn", "DateTimeOffset"),
        p("lastModifiedBy", "BaselineExceptionUser"), p("title", "String"), p("createdOn", "DateTimeOffset"),
        p("requester", "BaselineExceptionUser"),
    ] },
    Entity { name: "BaselineExceptionConfiguration", base: None, key: None, properties: &[
        p("id", "String"), p("title", "String"),
    ] },
    Entity { name: "BaselineExceptionDevice", base: None, key: None, properties: &[
        p("id", "String"), p("name", "String"), p("rbacGroupId", "Int32"),
    ] },
    Entity { name: "BaselineExceptionUser", base: None, key: None, properties: &[
        p("id", "String"), p("email", "String"),
    ] },
    Entity { name: "BaselineProfile", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("name", "String"), p("description", "String"), p("benchmark", "String"), p("version", "String"),
        p("operatingSystem", "String"), p("operatingSystemVersion", "String"), p("status", "Boolean"),
        p("complianceLevel", "String"), p("settingsNumber", "Int32"), p("createdBy", "String"), p("lastUpdatedBy", "String"),
        p("createdOnTimeOffset", "DateTimeOffset"), p("lastUpdateTimeOffset", "DateTimeOffset"), p("passedDevices", "Int32"),
        p("totalDevices", "Int32"), p("rbacGroupIdsProfileScope", "Collection(Int32)"),
        p("rbacGroupNamesProfileScope", "Collection(String)"), p("deviceTagsProfileScope", "Collection(String)"),
    ] },
    Entity { name: "BrowserExtensionPermission", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("isRequired", "Boolean"), p("risk", "String"),
    ] },
    Entity { name: "BrowserPermission", base: None, key: Some("key"), properties: &[
        p("key", "String"), p("permissionName", "String"), p("description", "String"),
    ] },
    Entity { name: "CertificateIndicatorInformation", base: None, key: None, properties: &[
        p("issuer", "String"), p("serial", "String"), p("subject", "String"), p("sha256", "String"),
    ] },
    Entity { name: "CustomPlaybookCommand", base: None, key: None, properties: &[
        p("type", "CustomPlaybookActionTypes"), p("params", "Collection(CustomPlaybookParameter)"),
    ] },
    Entity { name: "CustomPlaybookCommandResult", base: None, key: None, properties: &[
        p("index", "Int32"), p("command", "CustomPlaybookCommand"), p("startTime", "DateTimeOffset"), p("endTime", "DateTimeOffset"),
        p("commandStatus", "CustomPlaybookCommandStatus"), p("errors", "Collection(String)"),
    ] },
    Entity { name: "CustomPlaybookParameter", base: None, key: None, properties: &[
        p("key", "CustomPlaybookParams"), p("value", "String"),
    ] },
    Entity { name: "DataExportLog", base: None, key: None, properties: &[
        p("category", "String"), p("enabled", "Boolean"),
    ] },
    Entity { name: "DataExportSettings", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("designatedTenantId", "String"), p("eventHubProperties", "EventHubProperties"),
        p("storageAccountProperties", "StorageAccountProperties"), p("workspaceProperties", "WorkspaceProperties"),
        p("logs", "Collection(DataExportLog)"),
    ] },
    Entity { name: "DeltaAssetVulnerability", base: Some("AssetVulnerability"), key: None, properties: &[
        p("status", "String"), p("eventTimestamp", "DateTimeOffset"), p("isOnboarded", "Boolean"),
    ] },
    Entity { name: "DeviceAvInfo", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("machineId", "String"), p("computerDnsName", "String"), p("osKind", "String"),
        p("osPlatform", "String"), p("osVersion", "String"), p("avMode", "String"), p("avSignatureVersion", "String"),
        p("avEngineVersion", "String"), p("avPlatformVersion", "String"), p("lastSeenTime", "DateTimeOffset"),
        p("quickScanResult", "String"), p("quickScanError", "String"), p("quickScanTime", "DateTimeOffset"),
        p("fullScanResult", "String"), p("fullScanError", "String"), p("fullScanTime", "DateTimeOffset"),
        p("dataRefreshTimestamp", "DateTimeOffset"), p("avEngineUpdateTime", "DateTimeOffset"),
        p("avSignatureUpdateTime", "DateTimeOffset"), p("avPlatformUpdateTime", "DateTimeOffset"),
        p("avIsSignatureUpToDate", "String"), p("avIsEngineUpToDate", "String"), p("avIsPlatformUpToDate", "String"),
        p("avSignaturePublishTime", "DateTimeOffset"), p("avSignatureDataRefreshTime", "DateTimeOffset"),
        p("cloudProtectionState", "String"), p("avModeDataRefreshTime", "DateTimeOffset"), p("rbacGroupName", "String"),
        p("rbacGroupId", "Int64"),
    ] },
    Entity { name: "DeviceGroup", base: None, key: Some("id"), properties: &[
        p("id", "Int32"), p("priority", "Int32"), p("deviceGroupName", "String"), p("isUnassignedDeviceGroup", "Boolean"),
        p("automationLevel", "AutomationLevel"), p("description", "String"), p("deviceCount", "Int32"),
        p("lastUpdateTime", "DateTimeOffset"), p("aadUsersGroups", "Collection(AadUsersGroup)"),
        p("deviceGroupRules", "DeviceGroupRules"),
    ] },
    Entity { name: "DeviceGroupListPropertyCondition", base: None, key: None, properties: &[
        p("condition", "OperatorType"), p("valuesList", "Collection(String)"),
    ] },
    Entity { name: "DeviceGroupPropertyCondition", base: None, key: None, properties: &[
        p("condition", "OperatorType"), p("value", "String"),
    ] },
    Entity { name: "DeviceGroupRules", base: None, key: None, properties: &[
        p("devicesNamesConditions", "Collection(DeviceGroupPropertyCondition)"),
        p("devicesDomainsConditions", "Collection(DeviceGroupPropertyCondition)"),
        p("devicesTagsConditions", "Collection(DeviceGroupPropertyCondition)"),
        p("devicesOsConditions", "Collection(DeviceGroupListPropertyCondition)"),
    ] },
    Entity { name: "DlpMachine", base: None, key: None, properties: &[
        p("id", "String"), p("computerDnsName", "String"), p("healthStatus", "MachineHealthStatus"),
        p("configStatus", "MachineConfigurationStatus"), p("lastSeen", "DateTimeOffset"), p("osPlatform", "String"),
        p("version", "String"),
    ] },
    Entity { name: "Domain", base: None, key: Some("host"), properties: &[
        p("host", "String"),
    ] },
    Entity { name: "EventHubProperties", base: None, key: None, properties: &[
        p("eventHubResourceId", "String"), p("subscriptionId", "String"), p("resourceGroup", "String"), p("namespace", "String"),
        p("name", "String"),
    ] },
    Entity { name: "ExportFiles", base: None, key: None, properties: &[
        p("exportFiles", "Collection(String)"), p("generatedTime", "DateTimeOffset"),
    ] },
    Entity { name: "File", base: None, key: Some("sha1"), properties: &[
        p("sha1", "String"), p("sha256", "String"), p("md5", "String"), p("globalPrevalence", "Int64"),
        p("globalFirstObserved", "DateTimeOffset"), p("globalLastObserved", "DateTimeOffset"), p("size", "Int64"),
        p("fileType", "String"), p("isPeFile", "Boolean"), p("filePublisher", "String"), p("fileProductName", "String"),
        p("signer", "String"), p("issuer", "String"), p("signerHash", "String"), p("isValidCertificate", "Boolean"),
        p("determinationType", "DeterminationType"), p("determinationValue", "String"),
    ] },
    Entity { name: "Firmware", base: None, key: Some("name"), properties: &[
        p("name", "String"), p("type", "String"), p("vendor", "String"), p("family", "String"), p("version", "String"),
        p("additionalFields", "String"),
    ] },
    Entity { name: "GraphAlertEvidence", base: None, key: None, properties: &[
        p("createdDateTime", "DateTimeOffset"), p("detailedRoles", "Collection(String)"),
        p("remediationStatus", "GraphEvidenceRemediationStatus"), p("remediationStatusDetails", "String"),
        p("roles", "Collection(GraphEvidenceRole)"), p("tags", "Collection(String)"), p("verdict", "GraphEvidenceVerdict"),
    ] },
    Entity { name: "GraphActiveDirectoryDomainEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("activeDirectoryDomainName", "String"), p("trustedDomains", "Collection(GraphActiveDirectoryDomainEvidence)"),
    ] },
    Entity { name: "GraphAiAgentEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("agentId", "String"), p("agentName", "String"), p("hostingPlatformType", "GraphAiAgentPlatform"), p("instructions", "String"),
    ] },
    Entity { name: "GraphAlert", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("actorDisplayName", "String"), p("additionalData", "GraphDictionary"), p("alertPolicyId", "String"),
        p("alertWebUrl", "String"), p("assignedTo", "String"), p("categories", "Collection(String)"), p("category", "String"),
        p("classification", "GraphAlertClassification"), p("comments", "Collection(GraphAlertComment)"),
        p("createdDateTime", "DateTimeOffset"), p("customDetails", "GraphDictionary"), p("description", "String"),
        p("detectionSource", "GraphDetectionSource"), p("detectorId", "String"), p("determination", "GraphAlertDetermination"),
        p("evidence", "Collection(GraphAlertEvidence)"), p("firstActivityDateTime", "DateTimeOffset"), p("incidentId", "String"),
        p("incidentWebUrl", "String"), p("investigationState", "GraphInvestigationState"), p("lastActivityDateTime", "DateTimeOffset"),
        p("lastUpdateDateTime", "DateTimeOffset"), p("mitreTechniques", "Collection(String)"), p("productName", "String"),
        p("providerAlertId", "String"), p("recommendedActions", "String"), p("resolvedDateTime", "DateTimeOffset"),
        p("serviceSource", "GraphServiceSource"), p("severity", "GraphAlertSeverity"), p("status", "GraphAlertStatus"),
        p("systemTags", "Collection(String)"), p("tenantId", "String"), p("threatDisplayName", "String"),
        p("threatFamilyName", "String"), p("title", "String"),
    ] },
    Entity { name: "GraphAlertComment", base: None, key: None, properties: &[
        p("comment", "String"), p("createdByDisplayName", "String"), p("createdDateTime", "DateTimeOffset"),
    ] },
    Entity { name: "GraphAmazonResourceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("amazonAccountId", "String"), p("amazonResourceId", "String"), p("resourceName", "String"), p("resourceType", "String"),
    ] },
    Entity { name: "GraphAnalyzedMessageEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("antiSpamDirection", "String"), p("attachmentsCount", "Int64"), p("deliveryAction", "String"), p("deliveryLocation", "String"),
        p("internetMessageId", "String"), p("language", "String"), p("networkMessageId", "String"), p("p1Sender", "GraphEmailSender"),
        p("p2Sender", "GraphEmailSender"), p("receivedDateTime", "DateTimeOffset"), p("recipientEmailAddress", "String"),
        p("senderIp", "String"), p("subject", "String"), p("threatDetectionMethods", "Collection(String)"),
        p("threats", "Collection(String)"), p("urlCount", "Int64"), p("urls", "Collection(String)"), p("urn", "String"),
    ] },
    Entity { name: "GraphAzureResourceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("resourceId", "String"), p("resourceName", "String"), p("resourceType", "String"),
    ] },
    Entity { name: "GraphBlobContainerEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("name", "String"), p("storageResource", "GraphAzureResourceEvidence"), p("url", "String"),
    ] },
    Entity { name: "GraphBlobEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("blobContainer", "GraphBlobContainerEvidence"), p("etag", "String"), p("fileHashes", "Collection(GraphFileHash)"),
        p("name", "String"), p("url", "String"),
    ] },
    Entity { name: "GraphCloudApplicationEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("appId", "Int64"), p("displayName", "String"), p("instanceId", "Int64"), p("instanceName", "String"), p("saasAppId", "Int64"),
        p("stream", "GraphStream"),
    ] },
    Entity { name: "GraphCloudLogonRequestEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("requestId", "String"),
    ] },
    Entity { name: "GraphCloudLogonSessionEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("account", "GraphUserEvidence"), p("browser", "String"), p("deviceName", "String"), p("operatingSystem", "String"),
        p("previousLogonDateTime", "DateTimeOffset"), p("protocol", "String"), p("sessionId", "String"),
        p("startUtcDateTime", "DateTimeOffset"), p("userAgent", "String"),
    ] },
    Entity { name: "GraphContainerEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("args", "Collection(String)"), p("command", "Collection(String)"), p("containerId", "String"),
        p("image", "GraphContainerImageEvidence"), p("isPrivileged", "Boolean"), p("name", "String"),
        p("pod", "GraphKubernetesPodEvidence"),
    ] },
    Entity { name: "GraphContainerImageEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("digestImage", "GraphContainerImageEvidence"), p("imageId", "String"), p("registry", "GraphContainerRegistryEvidence"),
    ] },
    Entity { name: "GraphContainerRegistryEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("registry", "String"),
    ] },
    Entity { name: "GraphDetectionRule", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("displayName", "String"), p("description", "String"), p("status", "String"),
        p("queryCondition", "GraphRuleQuery"), p("schedule", "GraphRuleSchedule"), p("detectionAction", "Object"),
        p("createdBy", "String"), p("createdDateTime", "DateTimeOffset"), p("lastModifiedBy", "String"),
        p("lastModifiedDateTime", "DateTimeOffset"), p("lastRunDetails", "Object"), p("detectorId", "String"),
    ] },
    Entity { name: "GraphDeviceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("azureAdDeviceId", "String"), p("defenderAvStatus", "GraphDefenderAvStatus"), p("deviceDnsName", "String"),
        p("dnsDomain", "String"), p("firstSeenDateTime", "DateTimeOffset"), p("healthStatus", "GraphDeviceHealthStatus"),
        p("hostName", "String"), p("ipInterfaces", "Collection(String)"), p("lastExternalIpAddress", "String"),
        p("lastIpAddress", "String"), p("loggedOnUsers", "Collection(GraphLoggedOnUser)"), p("mdeDeviceId", "String"),
        p("ntDomain", "String"), p("onboardingStatus", "GraphOnboardingStatus"), p("osBuild", "Int64"), p("osPlatform", "String"),
        p("rbacGroupId", "Int32"), p("rbacGroupName", "String"), p("resourceAccessEvents", "Collection(GraphResourceAccessEvent)"),
        p("riskScore", "GraphDeviceRiskScore"), p("version", "String"), p("vmMetadata", "GraphVmMetadata"),
    ] },
    Entity { name: "GraphDictionary", base: None, key: None, properties: &[
    ] },
    Entity { name: "GraphDnsEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("dnsServerIp", "GraphIpEvidence"), p("domainName", "String"), p("hostIpAddress", "GraphIpEvidence"),
        p("ipAddresses", "Collection(GraphIpEvidence)"),
    ] },
    Entity { name: "GraphEmailSender", base: None, key: None, properties: &[
        p("displayName", "String"), p("domainName", "String"), p("emailAddress", "String"),
    ] },
    Entity { name: "GraphFileDetails", base: None, key: None, properties: &[
        p("fileName", "String"), p("filePath", "String"), p("filePublisher", "String"), p("fileSize", "Int64"), p("issuer", "String"),
        p("md5", "String"), p("sha1", "String"), p("sha256", "String"), p("sha256Ac", "String"), p("signer", "String"),
    ] },
    Entity { name: "GraphFileEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("detectionStatus", "GraphDetectionStatus"), p("fileDetails", "GraphFileDetails"), p("mdeDeviceId", "String"),
    ] },
    Entity { name: "GraphFileHash", base: None, key: None, properties: &[
        p("algorithm", "GraphFileHashAlgorithm"), p("value", "String"),
    ] },
    Entity { name: "GraphFileHashEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("algorithm", "GraphFileHashAlgorithm"), p("value", "String"),
    ] },
    Entity { name: "GraphGeoLocation", base: None, key: None, properties: &[
        p("city", "String"), p("countryName", "String"), p("latitude", "Double"), p("longitude", "Double"), p("state", "String"),
    ] },
    Entity { name: "GraphGitHubOrganizationEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("company", "String"), p("displayName", "String"), p("email", "String"), p("login", "String"), p("orgId", "String"),
        p("webUrl", "String"),
    ] },
    Entity { name: "GraphGitHubRepoEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("baseUrl", "String"), p("login", "String"), p("owner", "String"), p("ownerType", "String"), p("repoId", "String"),
    ] },
    Entity { name: "GraphGitHubUserEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("email", "String"), p("login", "String"), p("name", "String"), p("userId", "String"), p("webUrl", "String"),
    ] },
    Entity { name: "GraphGoogleCloudResourceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("fullResourceName", "String"), p("location", "String"), p("locationType", "GraphGoogleCloudLocationType"),
        p("projectId", "String"), p("projectNumber", "Int64"), p("resourceName", "String"), p("resourceType", "String"),
    ] },
    Entity { name: "GraphHostLogonSessionEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("account", "GraphUserEvidence"), p("endUtcDateTime", "DateTimeOffset"), p("host", "GraphDeviceEvidence"),
        p("sessionId", "String"), p("startUtcDateTime", "DateTimeOffset"),
    ] },
    Entity { name: "GraphIncident", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("assignedTo", "String"), p("classification", "GraphAlertClassification"),
        p("comments", "Collection(GraphAlertComment)"), p("createdDateTime", "DateTimeOffset"), p("customTags", "Collection(String)"),
        p("description", "String"), p("determination", "GraphAlertDetermination"), p("displayName", "String"),
        p("incidentWebUrl", "String"), p("lastModifiedBy", "String"), p("lastUpdateDateTime", "DateTimeOffset"),
        p("priorityScore", "Int32"), p("redirectIncidentId", "String"), p("resolvingComment", "String"),
        p("severity", "GraphAlertSeverity"), p("status", "GraphIncidentStatus"), p("summary", "String"),
        p("systemTags", "Collection(String)"), p("tenantId", "String"), p("alerts", "Collection(GraphAlert)"),
    ] },
    Entity { name: "GraphIoTDeviceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("deviceId", "String"), p("deviceName", "String"), p("devicePageLink", "String"), p("deviceSubType", "String"),
        p("deviceType", "String"), p("importance", "GraphIoTDeviceImportanceType"), p("ioTHub", "GraphAzureResourceEvidence"),
        p("ioTSecurityAgentId", "String"), p("ipAddress", "GraphIpEvidence"), p("isAuthorized", "Boolean"),
        p("isProgramming", "Boolean"), p("isScanner", "Boolean"), p("macAddress", "String"), p("manufacturer", "String"),
        p("model", "String"), p("nics", "Collection(GraphNicEvidence)"), p("operatingSystem", "String"),
        p("owners", "Collection(String)"), p("protocols", "Collection(String)"), p("purdueLayer", "String"), p("sensor", "String"),
        p("serialNumber", "String"), p("site", "String"), p("source", "String"), p("sourceRef", "GraphUrlEvidence"), p("zone", "String"),
    ] },
    Entity { name: "GraphIpEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("countryLetterCode", "String"), p("ipAddress", "String"), p("location", "GraphGeoLocation"), p("stream", "GraphStream"),
    ] },
    Entity { name: "GraphKubernetesClusterEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("cloudResource", "GraphAlertEvidence"), p("distribution", "String"), p("name", "String"),
        p("platform", "GraphKubernetesPlatform"), p("version", "String"),
    ] },
    Entity { name: "GraphKubernetesControllerEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("labels", "GraphDictionary"), p("name", "String"), p("namespace", "GraphKubernetesNamespaceEvidence"), p("type", "String"),
    ] },
    Entity { name: "GraphKubernetesNamespaceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("cluster", "GraphKubernetesClusterEvidence"), p("labels", "GraphDictionary"), p("name", "String"),
    ] },
    Entity { name: "GraphKubernetesPodEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("containers", "Collection(GraphContainerEvidence)"), p("controller", "GraphKubernetesControllerEvidence"),
        p("ephemeralContainers", "Collection(GraphContainerEvidence)"), p("initContainers", "Collection(GraphContainerEvidence)"),
        p("labels", "GraphDictionary"), p("name", "String"), p("namespace", "GraphKubernetesNamespaceEvidence"),
        p("podIp", "GraphIpEvidence"), p("serviceAccount", "GraphKubernetesServiceAccountEvidence"),
    ] },
    Entity { name: "GraphKubernetesSecretEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("name", "String"), p("namespace", "GraphKubernetesNamespaceEvidence"), p("secretType", "String"),
    ] },
    Entity { name: "GraphKubernetesServiceAccountEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("name", "String"), p("namespace", "GraphKubernetesNamespaceEvidence"),
    ] },
    Entity { name: "GraphKubernetesServiceEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("clusterIP", "GraphIpEvidence"), p("externalIPs", "Collection(GraphIpEvidence)"), p("labels", "GraphDictionary"),
        p("name", "String"), p("namespace", "GraphKubernetesNamespaceEvidence"), p("selector", "GraphDictionary"),
        p("servicePorts", "Collection(GraphKubernetesServicePort)"), p("serviceType", "GraphKubernetesServiceType"),
    ] },
    Entity { name: "GraphKubernetesServicePort", base: None, key: None, properties: &[
        p("appProtocol", "String"), p("name", "String"), p("nodePort", "Int32"), p("port", "Int32"),
        p("protocol", "GraphContainerPortProtocol"), p("targetPort", "String"),
    ] },
    Entity { name: "GraphLoggedOnUser", base: None, key: None, properties: &[
        p("accountName", "String"), p("domainName", "String"),
    ] },
    Entity { name: "GraphMailClusterEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("clusterBy", "String"), p("clusterByValue", "String"), p("emailCount", "Int64"), p("networkMessageIds", "Collection(String)"),
        p("query", "String"), p("urn", "String"),
    ] },
    Entity { name: "GraphMailboxConfigurationEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("configurationId", "String"), p("configurationType", "GraphMailboxConfigurationType"), p("displayName", "String"),
        p("externalDirectoryObjectId", "Guid"), p("mailboxPrimaryAddress", "String"), p("upn", "String"),
    ] },
    Entity { name: "GraphMailboxEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("displayName", "String"), p("primaryAddress", "String"), p("upn", "String"), p("userAccount", "GraphUserAccount"),
    ] },
    Entity { name: "GraphMalwareEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("category", "String"), p("files", "Collection(GraphFileEvidence)"), p("name", "String"),
        p("processes", "Collection(GraphProcessEvidence)"),
    ] },
    Entity { name: "GraphMergeResponse", base: None, key: None, properties: &[
        p("targetIncidentId", "String"),
    ] },
    Entity { name: "GraphNetworkConnectionEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("destinationAddress", "GraphIpEvidence"), p("destinationPort", "Int32"), p("protocol", "GraphProtocolType"),
        p("sourceAddress", "GraphIpEvidence"), p("sourcePort", "Int32"),
    ] },
    Entity { name: "GraphNicEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("ipAddress", "GraphIpEvidence"), p("macAddress", "String"), p("vlans", "Collection(String)"),
    ] },
    Entity { name: "GraphOauthApplicationEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("appId", "String"), p("displayName", "String"), p("objectId", "String"), p("publisher", "String"),
    ] },
    Entity { name: "GraphProcessEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("detectionStatus", "GraphDetectionStatus"), p("imageFile", "GraphFileDetails"), p("mdeDeviceId", "String"),
        p("parentProcessCreationDateTime", "DateTimeOffset"), p("parentProcessId", "Int64"),
        p("parentProcessImageFile", "GraphFileDetails"), p("processCommandLine", "String"),
        p("processCreationDateTime", "DateTimeOffset"), p("processId", "Int64"), p("userAccount", "GraphUserAccount"),
    ] },
    Entity { name: "GraphRegistryKeyEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("registryHive", "String"), p("registryKey", "String"),
    ] },
    Entity { name: "GraphRegistryValueEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("mdeDeviceId", "String"), p("registryHive", "String"), p("registryKey", "String"), p("registryValue", "String"),
        p("registryValueName", "String"), p("registryValueType", "String"),
    ] },
    Entity { name: "GraphResourceAccessEvent", base: None, key: None, properties: &[
        p("accessDateTime", "DateTimeOffset"), p("accountId", "String"), p("ipAddress", "String"), p("resourceIdentifier", "String"),
    ] },
    Entity { name: "GraphRuleQuery", base: None, key: None, properties: &[
        p("queryText", "String"), p("lastModifiedDateTime", "DateTimeOffset"),
    ] },
    Entity { name: "GraphRuleSchedule", base: None, key: None, properties: &[
        p("frequency", "String"), p("period", "String"), p("nextRunDateTime", "DateTimeOffset"),
    ] },
    Entity { name: "GraphSasTokenEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("allowedIpAddresses", "String"), p("allowedResourceTypes", "Collection(String)"), p("allowedServices", "Collection(String)"),
        p("expiryDateTime", "DateTimeOffset"), p("permissions", "Collection(String)"), p("protocol", "String"),
        p("signatureHash", "String"), p("signedWith", "String"), p("startDateTime", "DateTimeOffset"),
        p("storageResource", "GraphAzureResourceEvidence"),
    ] },
    Entity { name: "GraphSecurityGroupEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("activeDirectoryObjectGuid", "Guid"), p("displayName", "String"), p("distinguishedName", "String"),
        p("friendlyName", "String"), p("securityGroupId", "String"), p("sid", "String"),
    ] },
    Entity { name: "GraphServicePrincipalEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("appId", "String"), p("appOwnerTenantId", "String"), p("servicePrincipalName", "String"),
        p("servicePrincipalObjectId", "String"), p("servicePrincipalType", "GraphServicePrincipalType"), p("tenantId", "String"),
    ] },
    Entity { name: "GraphStream", base: None, key: None, properties: &[
        p("name", "String"),
    ] },
    Entity { name: "GraphSubmissionMailEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("networkMessageId", "String"), p("recipient", "String"), p("reportType", "String"), p("sender", "String"),
        p("senderIp", "String"), p("subject", "String"), p("submissionDateTime", "DateTimeOffset"), p("submissionId", "String"),
        p("submitter", "String"),
    ] },
    Entity { name: "GraphTeamsMessageEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("campaignId", "String"), p("channelId", "String"), p("deliveryAction", "GraphTeamsMessageDeliveryAction"),
        p("deliveryLocation", "GraphTeamsDeliveryLocation"), p("files", "Collection(GraphFileEvidence)"), p("groupId", "String"),
        p("isExternal", "Boolean"), p("isOwned", "Boolean"), p("lastModifiedDateTime", "DateTimeOffset"),
        p("messageDirection", "GraphAntispamTeamsDirection"), p("messageId", "String"), p("owningTenantId", "Guid"),
        p("parentMessageId", "String"), p("receivedDateTime", "DateTimeOffset"), p("recipients", "Collection(String)"),
        p("senderFromAddress", "String"), p("senderIP", "String"), p("sourceAppName", "String"), p("sourceId", "String"),
        p("subject", "String"), p("suspiciousRecipients", "Collection(String)"), p("threadId", "String"), p("threadType", "String"),
        p("urls", "Collection(GraphUrlEvidence)"),
    ] },
    Entity { name: "GraphUrlEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("url", "String"),
    ] },
    Entity { name: "GraphUserAccount", base: None, key: None, properties: &[
        p("accountName", "String"), p("activeDirectoryObjectGuid", "Guid"), p("azureAdUserId", "String"), p("displayName", "String"),
        p("domainName", "String"), p("resourceAccessEvents", "Collection(GraphResourceAccessEvent)"), p("tenantId", "String"),
        p("userPrincipalName", "String"), p("userSid", "String"),
    ] },
    Entity { name: "GraphUserEvidence", base: Some("GraphAlertEvidence"), key: None, properties: &[
        p("stream", "GraphStream"), p("userAccount", "GraphUserAccount"),
    ] },
    Entity { name: "GraphVmMetadata", base: None, key: None, properties: &[
        p("cloudProvider", "GraphVmCloudProvider"), p("resourceId", "String"), p("subscriptionId", "String"), p("vmId", "String"),
    ] },
    Entity { name: "HuntingColumn", base: None, key: None, properties: &[
        p("name", "String"), p("dataType", "String"), p("description", "String"),
    ] },
    Entity { name: "HuntingFunctions", base: None, key: None, properties: &[
        p("builtInFunctions", "Object"), p("savedFunctions", "Object"),
    ] },
    Entity { name: "HuntingSchema", base: None, key: None, properties: &[
        p("tables", "Collection(HuntingTable)"), p("functions", "HuntingFunctions"),
    ] },
    Entity { name: "HuntingTable", base: None, key: None, properties: &[
        p("name", "String"), p("description", "String"), p("columns", "Collection(HuntingColumn)"),
    ] },
    Entity { name: "ImportIndicatorResult", base: None, key: None, properties: &[
        p("id", "String"), p("indicator", "String"), p("isFailed", "Boolean"), p("failureReason", "String"),
    ] },
    Entity { name: "InOrgDomainStats", base: None, key: None, properties: &[
        p("host", "String"), p("orgPrevalence", "String"), p("orgFirstSeen", "DateTimeOffset"), p("orgLastSeen", "DateTimeOffset"),
        p("organizationPrevalence", "Int32"),
    ] },
    Entity { name: "InOrgFileStats", base: None, key: None, properties: &[
        p("sha1", "String"), p("orgPrevalence", "String"), p("organizationPrevalence", "Int32"),
        p("orgFirstSeen", "DateTimeOffset"), p("orgLastSeen", "DateTimeOffset"), p("globalPrevalence", "String"),
        p("globallyPrevalence", "Int32"), p("globalFirstObserved", "DateTimeOffset"), p("globalLastObserved", "DateTimeOffset"),
        p("topFileNames", "Collection(String)"),
    ] },
    Entity { name: "InOrgIPStats", base: None, key: None, properties: &[
        p("ipAddress", "String"), p("orgPrevalence", "String"), p("organizationPrevalence", "Int32"),
        p("orgFirstSeen", "DateTimeOffset"), p("orgLastSeen", "DateTimeOffset"),
    ] },
    Entity { name: "Incident", base: None, key: Some("incidentId"), properties: &[
        p("incidentId", "Int64"), p("incidentUri", "String"), p("redirectIncidentId", "Int64"), p("incidentName", "String"),
        p("createdTime", "DateTimeOffset"), p("lastUpdateTime", "DateTimeOffset"), p("assignedTo", "String"),
        p("classification", "AlertClassification"), p("determination", "AlertDetermination"), p("status", "IncidentStatus"),
        p("severity", "AlertSeverity"), p("tags", "Collection(String)"), p("comments", "Collection(AlertComment)"),
        p("alerts", "Collection(MtpAlert)"),
    ] },
    Entity { name: "Indicator", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("indicatorValue", "String"), p("indicatorType", "IndicatorType"), p("action", "IndicatorAction"),
        p("createdBy", "String"), p("severity", "IndicatorSeverity"), p("category", "Int32"), p("application", "String"),
        p("educateUrl", "String"), p("bypassDurationHours", "Int32"), p("title", "String"), p("description", "String"),
        p("recommendedActions", "String"), p("creationTimeDateTimeUtc", "DateTimeOffset"), p("expirationTime", "DateTimeOffset"),
        p("lastUpdateTime", "DateTimeOffset"), p("lastUpdatedBy", "String"), p("rbacGroupNames", "Collection(String)"),
        p("rbacGroupIds", "Collection(Int32)"), p("certificateInfo", "CertificateIndicatorInformation"),
        p("notificationId", "Byte"), p("notificationBody", "String"), p("version", "String"),
        p("mitreTechniques", "Collection(String)"), p("historicalDetection", "Boolean"), p("lookBackPeriod", "Int32"),
        p("generateAlert", "Boolean"), p("additionalInfo", "String"), p("createdByDisplayName", "String"),
        p("externalId", "String"), p("createdBySource", "KnownRequestSource"),
    ] },
    Entity { name: "Investigation", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("startTime", "DateTimeOffset"), p("endTime", "DateTimeOffset"), p("state", "InvestigationState"),
        p("cancelledBy", "String"), p("statusDetails", "String"), p("machineId", "String"), p("computerDnsName", "String"),
        p("triggeringAlertId", "String"),
    ] },
    Entity { name: "Ip", base: None, key: Some("id"), properties: &[
        p("id", "String"),
    ] },
    Entity { name: "LibraryFile", base: None, key: Some("fileName"), properties: &[
        p("fileName", "String"), p("sha256", "String"), p("description", "String"), p("creationTime", "DateTimeOffset"),
        p("lastUpdatedTime", "DateTimeOffset"), p("createdBy", "String"), p("hasParameters", "Boolean"),
        p("parametersDescription", "String"),
    ] },
    Entity { name: "LinuxAuthParams", base: Some("AuthParamsBase"), key: None, properties: &[
        p("type", "LinuxAuthType"), p("username", "String"), p("password", "String"), p("privateKey", "String"),
    ] },
    Entity { name: "LoggedOnUser", base: None, key: None, properties: &[
        p("accountName", "String"), p("domainName", "String"),
    ] },
    Entity { name: "Machine", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("mergedIntoMachineId", "String"), p("isPotentialDuplication", "Boolean"), p("isExcluded", "Boolean"),
        p("exclusionReason", "ExclusionReason"), p("computerDnsName", "String"), p("firstSeen", "DateTimeOffset"),
        p("lastSeen", "DateTimeOffset"), p("osPlatform", "String"), p("osProcessor", "String"), p("version", "String"),
        p("lastIpAddress", "String"), p("lastExternalIpAddress", "String"), p("agentVersion", "String"), p("osBuild", "Int64"),
        p("healthStatus", "MachineHealthStatus"), p("deviceValue", "DeviceValue"), p("rbacGroupId", "Int32"),
        p("rbacGroupName", "String"), p("ipAddresses", "Collection(MachineIpAddress)"), p("riskScore", "RiskScore"),
        p("exposureLevel", "ExposureLevel"), p("isAadJoined", "Boolean"), p("aadDeviceId", "Guid"),
        p("machineTags", "Collection(String)"), p("vmMetadata", "VmMetadata"), p("onboardingStatus", "OnboardingStatus"),
        p("osArchitecture", "String"), p("managedBy", "DeviceManagedBy"), p("managedByStatus", "DeviceManagedByStatus"),
    ] },
    Entity { name: "MachineAction", base: None, key: Some("id"), properties: &[
        p("id", "Guid"), p("type", "ActionType"), p("title", "String"), p("requestor", "String"), p("requestorComment", "String"),
        p("status", "ActionStatus"), p("machineId", "String"), p("computerDnsName", "String"), p("relatedFileInfo", "RelatedFileInfo"),
        p("creationDateTimeUtc", "DateTimeOffset"), p("lastUpdateDateTimeUtc", "DateTimeOffset"), p("cancellationRequestor", "String"),
        p("cancellationComment", "String"), p("cancellationDateTimeUtc", "DateTimeOffset"), p("errorHResult", "Int32"),
        p("scope", "String"), p("commands", "Collection(CustomPlaybookCommandResult)"), p("troubleshootInfo", "TroubleshootInfo"),
        p("externalId", "String"), p("requestSource", "KnownRequestSource"),
    ] },
    Entity { name: "MachineIpAddress", base: None, key: None, properties: &[
        p("ipAddress", "String"), p("macAddress", "String"), p("type", "InterfaceType"),
        p("operationalStatus", "IpInterfaceOperationalStatus"),
    ] },
    Entity { name: "MachineReference", base: None, key: None, properties: &[
        p("id", "String"), p("computerDnsName", "String"), p("osPlatform", "String"), p("assetCriticalityLevel", "String"),
        p("tags", "Collection(String)"), p("rbacGroupName", "String"), p("rbacGroupId", "Int64"),
    ] },
    Entity { name: "MachineVulnerability", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("cveId", "String"), p("machineId", "String"), p("fixingKbId", "String"), p("productName", "String"),
        p("productVendor", "String"), p("productVersion", "String"), p("severity", "String"),
    ] },
    Entity { name: "MissingKb", base: None, key: None, properties: &[
        p("id", "String"), p("name", "String"), p("osBuild", "Int64"), p("productsNames", "Collection(String)"), p("url", "String"),
        p("machineMissedOn", "Int64"), p("cveAddressed", "Int64"),
    ] },
    Entity { name: "MtpAlert", base: None, key: Some("alertId"), properties: &[
        p("alertId", "String"), p("providerAlertId", "String"), p("incidentId", "Int64"), p("serviceSource", "ServiceSource"),
        p("creationTime", "DateTimeOffset"), p("lastUpdatedTime", "DateTimeOffset"), p("resolvedTime", "DateTimeOffset"),
        p("firstActivity", "DateTimeOffset"), p("lastActivity", "DateTimeOffset"), p("title", "String"), p("description", "String"),
        p("category", "String"), p("status", "AlertStatus"), p("severity", "AlertSeverity"), p("investigationId", "Int64"),
        p("investigationState", "InvestigationState"), p("classification", "AlertClassification"),
        p("determination", "AlertDetermination"), p("detectionSource", "DetectionSource"), p("detectorId", "String"),
        p("assignedTo", "String"), p("actorName", "String"), p("threatFamilyName", "String"), p("mitreTechniques", "Collection(String)"),
        p("devices", "Collection(MtpDevice)"), p("entities", "Collection(MtpAlertEvidence)"),
    ] },
    Entity { name: "MtpAlertEvidence", base: None, key: None, properties: &[
        p("entityType", "EntityType"), p("evidenceCreationTime", "DateTimeOffset"), p("verdict", "EvidenceVerdict"),
        p("remediationStatus", "EvidenceRemediationStatus"), p("remediationStatusDetails", "String"), p("sha1", "String"),
        p("sha256", "String"), p("fileName", "String"), p("filePath", "String"), p("processId", "Int64"),
        p("processCommandLine", "String"), p("processCreationTime", "DateTimeOffset"), p("parentProcessId", "Int64"),
        p("parentProcessCreationTime", "DateTimeOffset"), p("parentProcessFileName", "String"), p("parentProcessFilePath", "String"),
        p("ipAddress", "String"), p("url", "String"), p("accountName", "String"), p("domainName", "String"), p("userSid", "String"),
        p("aadUserId", "String"), p("userPrincipalName", "String"), p("mailboxDisplayName", "String"), p("mailboxAddress", "String"),
        p("clusterBy", "String"), p("clusterByValue", "String"), p("emailCount", "Int64"), p("sender", "String"),
        p("recipient", "String"), p("subject", "String"), p("internetMessageId", "String"), p("deliveryAction", "String"),
        p("securityGroupId", "String"), p("securityGroupName", "String"), p("registryHive", "String"), p("registryKey", "String"),
        p("registryValueType", "String"), p("registryValue", "String"), p("detectionStatus", "String"), p("deviceId", "String"),
        p("applicationId", "String"), p("applicationObjectId", "String"), p("applicationName", "String"), p("risk", "String"),
        p("publisher", "String"),
    ] },
    Entity { name: "MtpDevice", base: None, key: None, properties: &[
        p("mdatpDeviceId", "String"), p("aadDeviceId", "Guid"), p("deviceDnsName", "String"), p("osPlatform", "String"),
        p("version", "String"), p("osProcessor", "String"), p("osBuild", "Int64"), p("healthStatus", "MachineHealthStatus"),
        p("riskScore", "RiskScore"), p("rbacGroupName", "String"), p("firstSeen", "DateTimeOffset"), p("tags", "Collection(String)"),
        p("vmMetadata", "VmMetadata"), p("onboardingStatus", "OnboardingStatus"), p("loggedOnUsers", "Collection(LoggedOnUser)"),
    ] },
    Entity { name: "Recommendation", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("productName", "String"), p("recommendationName", "String"), p("weaknesses", "Int64"),
        p("vendor", "String"), p("recommendedVersion", "String"), p("recommendedVendor", "String"),
        p("recommendedProgram", "String"), p("recommendationCategory", "String"), p("subCategory", "String"),
        p("severityScore", "Double"), p("publicExploit", "Boolean"), p("activeAlert", "Boolean"),
        p("associatedThreats", "Collection(String)"), p("remediationType", "String"), p("status", "RecommendationExceptionStatus"),
        p("configScoreImpact", "Double"), p("exposureImpact", "Double"), p("totalMachineCount", "Int64"),
        p("exposedMachinesCount", "Int64"), p("nonProductivityImpactedAssets", "Int64"), p("relatedComponent", "String"),
        p("hasUnpatchableCve", "Boolean"), p("tags", "Collection(String)"), p("exposedCriticalDevices", "Int64"),
    ] },
    Entity { name: "RelatedFileInfo", base: None, key: None, properties: &[
        p("fileIdentifier", "String"), p("fileIdentifierType", "FileIdentifierType"),
    ] },
    Entity { name: "RemediationTask", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("title", "String"), p("createdOn", "DateTimeOffset"), p("requesterId", "String"),
        p("requesterEmail", "String"), p("status", "RemediationTaskStatus"), p("statusLastModifiedOn", "DateTimeOffset"),
        p("description", "String"), p("relatedComponent", "String"), p("targetDevices", "Int32"),
        p("rbacGroupNames", "Collection(String)"), p("fixedDevices", "Int32"), p("requesterNotes", "String"),
        p("dueOn", "DateTimeOffset"), p("category", "RemediationTaskCategory"),
        p("productivityImpactRemediationType", "RemediationTaskImpact"), p("priority", "RemediationTaskPriority"),
        p("completionMethod", "RemediationTaskCompletion"), p("completerId", "String"), p("completerEmail", "String"),
        p("scid", "String"), p("type", "RemediationTaskType"), p("productId", "String"), p("vendorId", "String"),
        p("nameId", "String"), p("recommendedVersion", "String"), p("recommendedVendor", "String"),
        p("recommendedProgram", "String"), p("recommendationReference", "String"),
    ] },
    Entity { name: "ScanAgent", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("machineId", "String"), p("lastSeen", "DateTimeOffset"), p("computerDnsName", "String"),
        p("assignedApplicationId", "String"), p("scannerSoftwareVersion", "String"),
        p("lastCommandExecutionTimestamp", "DateTimeOffset"), p("mdeClientVersion", "String"),
    ] },
    Entity { name: "ScanAgentReference", base: None, key: None, properties: &[
        p("id", "String"), p("machineId", "String"), p("machineName", "String"), p("lastSeen", "DateTimeOffset"),
        p("assignedApplicationId", "String"), p("scannerSoftwareVersion", "String"),
        p("lastCommandExecutionTimestamp", "DateTimeOffset"), p("mdeClientVersion", "String"),
    ] },
    Entity { name: "ScanDefinition", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("scanType", "AuthScanType"), p("scanName", "String"), p("isActive", "Boolean"),
        p("scanAuthenticationParams", "AuthParamsBase"), p("target", "String"), p("scannerAgent", "ScanAgentReference"),
        p("orgId", "String"), p("latestScan", "ScanState"), p("intervalInHours", "Int32"), p("createdBy", "String"),
        p("targetType", "TargetType"), p("isTroubleshootMode", "Boolean"),
        p("advancedActiveConfiguration", "AdvancedActiveConfiguration"),
    ] },
    Entity { name: "ScanHistory", base: None, key: None, properties: &[
        p("orgId", "String"), p("scanDefinitionId", "String"), p("sessionId", "String"), p("scannerId", "String"),
        p("numberOfSuccessfullyScannedTargets", "Int32"), p("numberOfTargets", "Int32"), p("scanStatus", "String"),
        p("generalErrorMessage", "String"), p("scannedTargets", "Collection(ScannedTarget)"),
    ] },
    Entity { name: "ScanState", base: None, key: None, properties: &[
        p("status", "ScanStatus"), p("failureReason", "String"), p("executionDateTime", "DateTimeOffset"),
    ] },
    Entity { name: "ScannedTarget", base: None, key: None, properties: &[
        p("scanDuration", "TimeOfDay"), p("ip", "String"), p("hostname", "String"), p("scannedDeviceDescription", "String"),
        p("errorMessage", "String"), p("scanStatus", "AuthenticatedScanStatus"),
    ] },
    Entity { name: "Score", base: None, key: Some("time"), properties: &[
        p("time", "DateTimeOffset"), p("score", "Double"), p("rbacGroupName", "String"), p("rbacGroupId", "Int64"),
    ] },
    Entity { name: "SnmpAuthParams", base: Some("AuthParamsBase"), key: None, properties: &[
        p("type", "SnmpAuthType"), p("communityString", "String"), p("username", "String"), p("authProtocol", "String"),
        p("authPassword", "String"), p("privProtocol", "String"), p("privPassword", "String"),
    ] },
    Entity { name: "Software", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("name", "String"), p("vendor", "String"), p("weaknesses", "Int64"), p("publicExploit", "Boolean"),
        p("activeAlert", "Boolean"), p("exposedMachines", "Int64"), p("installedMachines", "Int64"), p("impactScore", "Single"),
        p("isNormalized", "Boolean"), p("category", "String"),
    ] },
    Entity { name: "SoftwareVersion", base: None, key: None, properties: &[
        p("version", "String"), p("installations", "Int64"), p("vulnerabilities", "Int64"),
    ] },
    Entity { name: "StorageAccountProperties", base: None, key: None, properties: &[
        p("storageAccountResourceId", "String"), p("subscriptionId", "String"), p("resourceGroup", "String"), p("name", "String"),
    ] },
    Entity { name: "TroubleshootInfo", base: None, key: None, properties: &[
        p("expirationUtc", "DateTimeOffset"), p("startTsModeUtc", "DateTimeOffset"), p("paramsJsonFormatVersion", "Int32"),
        p("state", "Int32"),
    ] },
    Entity { name: "User", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("accountName", "String"), p("accountDomain", "String"), p("accountSid", "String"),
        p("firstSeen", "DateTimeOffset"), p("lastSeen", "DateTimeOffset"), p("mostPrevalentMachineId", "String"),
        p("leastPrevalentMachineId", "String"), p("logonTypes", "String"), p("logOnMachinesCount", "Int64"),
        p("isDomainAdmin", "Boolean"), p("isOnlyNetworkUser", "Boolean"),
    ] },
    Entity { name: "VmMetadata", base: None, key: None, properties: &[
        p("vmId", "String"), p("cloudProvider", "VmCloudProvider"), p("resourceId", "String"), p("subscriptionId", "String"),
    ] },
    Entity { name: "Vulnerability", base: None, key: Some("id"), properties: &[
        p("id", "String"), p("name", "String"), p("description", "String"), p("severity", "String"), p("cvssV3", "Double"),
        p("cvssVector", "String"), p("exposedMachines", "Int64"), p("publishedOn", "DateTimeOffset"),
        p("updatedOn", "DateTimeOffset"), p("firstDetected", "DateTimeOffset"), p("patchFirstAvailable", "DateTimeOffset"),
        p("publicExploit", "Boolean"), p("exploitVerified", "Boolean"), p("exploitInKit", "Boolean"),
        p("exploitTypes", "Collection(String)"), p("exploitUris", "Collection(String)"), p("cveSupportability", "String"),
        p("tags", "Collection(String)"), p("epss", "Double"), p("status", "VulnerabilityExceptionStatus"),
    ] },
    Entity { name: "WindowsAuthParams", base: Some("AuthParamsBase"), key: None, properties: &[
        p("type", "WindowsAuthType"), p("username", "String"), p("password", "String"), p("domain", "String"),
        p("isgmsaUser", "Boolean"), p("packetPrivacy", "Boolean"), p("packetIntegrity", "Boolean"),
    ] },
    Entity { name: "WorkspaceProperties", base: None, key: None, properties: &[
        p("workspaceResourceId", "String"), p("subscriptionId", "String"), p("resourceGroup", "String"), p("name", "String"),
    ] },
];

/// Every enumeration.
#[rustfmt::skip]
pub const ENUMS: &[EnumType] = &[
    EnumType { name: "ActionStatus", members: &[
        "Pending", "Cancelled", "TimeOut", "Failed", "InProgress", "Succeeded",
    ] },
    EnumType { name: "ActionType", members: &[
        "Unknown", "RequestSample", "Block", "RunAntiVirusScan", "Offboard", "RegenerateId", "CollectInvestigationPackage", "Isolate",
        "Unisolate", "StopAndQuarantineFile", "RestrictCodeExecution", "UnrestrictCodeExecution", "LiveResponse", "Troubleshoot",
        "LogsCollection", "TokenRefresh", "EndpointConfigManagementCheckin", "EnableActiveDirectoryUser", "DisableActiveDirectoryUser",
        "ResetPasswordActiveDirectoryUser", "ImmuneActiveDirectoryCustomPlaybook",
    ] },
    EnumType { name: "AlertClassification", members: &[
        "Unknown", "FalsePositive", "TruePositive", "InformationalExpectedActivity",
    ] },
    EnumType { name: "AlertDetermination", members: &[
        "NotAvailable", "Apt", "Malware", "SecurityPersonnel", "SecurityTesting", "UnwantedSoftware", "Other", "MultiStagedAttack",
        "CompromisedAccount", "Phishing", "MaliciousUserActivity", "NotMalicious", "NoEnoughDataToValidate", "ConfirmedActivity",
        "LineOfBusinessApplication",
    ] },
    EnumType { name: "AlertSeverity", members: &[
        "UnSpecified", "Informational", "Low", "Medium", "High",
    ] },
    EnumType { name: "AlertStatus", members: &[
        "Unknown", "Unspecified", "New", "InProgress", "Resolved", "Hidden",
    ] },
    EnumType { name: "AuthScanType", members: &[
        "Network", "Windows", "Linux", "AdvancedActive",
    ] },
    EnumType { name: "AuthenticatedScanStatus", members: &[
        "Failure", "Success", "PartialSuccess",
    ] },
    EnumType { name: "AutomationLevel", members: &[
        "NoAutomatedResponse", "SemiRequireApprovalForAllFolders", "SemiRequireApprovalForNonTempFolders",
        "SemiRequireApprovalForCoreFolders", "FullRemediateThreatsAutomatically",
    ] },
    EnumType { name: "CustomPlaybookActionTypes", members: &[
        "PutFile", "GetFile", "RunPowerShell", "RunScript",
    ] },
    EnumType { name: "CustomPlaybookCommandStatus", members: &[
        "Executing", "Completed", "Failed", "PendingResource", "Submitted", "Created",
    ] },
    EnumType { name: "CustomPlaybookParams", members: &[
        "FileName", "Args", "Path", "ScriptName", "IsExternalSource", "FileUri", "ScriptHash", "ScriptSource",
    ] },
    EnumType { name: "DetectionSource", members: &[
        "Unknown", "WindowsDefenderAtp", "WindowsDefenderAv", "WindowsDefenderSmartScreen", "iSight", "Bitdefender", "CustomerTI",
        "Ziften", "Lookout", "SentinelOne", "ThirdPartySensors", "OfficeATP", "AutomatedInvestigation", "ThreatExperts",
        "CustomDetection", "AzureATP", "MCAS", "MTP", "AAD", "MAPG", "Manual", "DLP", "AppGPolicy", "AppGDetection", "MDC", "Compliance",
        "Forms", "MailFlow", "MSTIC", "Unspecified", "Sentinel", "All", "ThirdParty", "DefenderForIoT", "DefenderForServers",
        "DefenderForStorage", "DefenderForDNS", "DefenderForDatabases", "DefenderForContainers", "DefenderForNetwork",
        "DefenderForAppService", "DefenderForKeyVault", "DefenderForResourceManager", "DefenderForApiManagement", "NRTAlerts",
        "ScheduledAlerts", "MicrosoftDefenderThreatIntelligenceAnalytics", "BuiltInML", "MicrosoftInsiderRiskManagement", "Nsn",
        "DefenderForAIServices", "SecurityCopilot",
    ] },
    EnumType { name: "DeterminationType", members: &[
        "Unknown", "Malware", "Unwanted", "Clean", "Pua",
    ] },
    EnumType { name: "DeviceManagedBy", members: &[
        "Unknown", "Intune", "SystemCenterConfigurationManager", "MicrosoftDefenderForEndpoint",
    ] },
    EnumType { name: "DeviceManagedByStatus", members: &[
        "Unknown", "Success", "Error",
    ] },
    EnumType { name: "DeviceValue", members: &[
        "Normal", "Low", "High",
    ] },
    EnumType { name: "EntityType", members: &[
        "Url", "User", "File", "Machine", "Ip", "Process", "Mailbox", "MailCluster", "MailMessage", "SecurityGroup", "RegistryKey",
        "Registry", "CommandLine", "CloudApplication", "OAuthApplication",
    ] },
    EnumType { name: "EvidenceRemediationStatus", members: &[
        "None", "Remediated", "Prevented", "Blocked", "NotFound", "Active", "PendingApproval", "Declined", "Unremediated", "Running",
    ] },
    EnumType { name: "EvidenceVerdict", members: &[
        "Unknown", "Suspicious", "Malicious", "Clean",
    ] },
    EnumType { name: "ExclusionReason", members: &[
        "Other", "InactiveDevice", "DuplicateDevice", "DeviceDoesNotExist", "DeviceOutOfScope",
    ] },
    EnumType { name: "ExposureLevel", members: &[
        "None", "Low", "Medium", "High",
    ] },
    EnumType { name: "FileIdentifierType", members: &[
        "Sha1", "Sha256", "Md5",
    ] },
    EnumType { name: "FullActionType", members: &[
        "Unknown", "FullIsolation", "SelectiveIsolation", "RunAntiVirusScan", "CollectInvestigationPackage",
        "StopAndQuarantineFile", "RestrictCodeExecution", "InitiateInvestigation", "OffBoard", "LiveResponse", "Troubleshoot",
        "LogsCollection", "UnManagedDeviceIsolation", "TokenRefresh", "RegenerateId", "EnableActiveDirectoryUser",
        "DisableActiveDirectoryUser", "ResetPasswordActiveDirectoryUser", "ImmuneActiveDirectoryCustomPlaybook", "Unisolation",
        "UnrestrictCodeExecution", "UnManagedDeviceUnisolation", "LiveResponsePortal",
    ] },
    EnumType { name: "GraphAiAgentPlatform", members: &[
        "unknown", "azureAIFoundry", "copilotStudio", "copilot", "unknownFutureValue",
    ] },
    EnumType { name: "GraphAlertClassification", members: &[
        "unknown", "falsePositive", "truePositive", "informationalExpectedActivity", "unknownFutureValue",
    ] },
    EnumType { name: "GraphAlertDetermination", members: &[
        "unknown", "apt", "malware", "securityPersonnel", "securityTesting", "unwantedSoftware", "other", "multiStagedAttack",
        "compromisedAccount", "phishing", "maliciousUserActivity", "notMalicious", "notEnoughDataToValidate", "confirmedActivity",
        "lineOfBusinessApplication", "unknownFutureValue",
    ] },
    EnumType { name: "GraphAlertSeverity", members: &[
        "unknown", "informational", "low", "medium", "high", "unknownFutureValue",
    ] },
    EnumType { name: "GraphAlertStatus", members: &[
        "unknown", "new", "inProgress", "resolved", "unknownFutureValue",
    ] },
    EnumType { name: "GraphAntispamTeamsDirection", members: &[
        "unknown", "inbound", "outbound", "intraorg", "unknownFutureValue",
    ] },
    EnumType { name: "GraphContainerPortProtocol", members: &[
        "udp", "tcp", "sctp", "unknownFutureValue",
    ] },
    EnumType { name: "GraphDefenderAvStatus", members: &[
        "notReporting", "disabled", "notUpdated", "updated", "unknown", "notSupported", "unknownFutureValue",
    ] },
    EnumType { name: "GraphDetectionSource", members: &[
        "unknown", "microsoftDefenderForEndpoint", "antivirus", "smartScreen", "customTi", "microsoftDefenderForOffice365",
        "automatedInvestigation", "microsoftThreatExperts", "customDetection", "microsoftDefenderForIdentity", "cloudAppSecurity",
        "microsoft365Defender", "azureAdIdentityProtection", "manual", "microsoftDataLossPrevention", "appGovernancePolicy",
        "appGovernanceDetection", "unknownFutureValue", "microsoftDefenderForCloud", "microsoftDefenderForIoT",
        "microsoftDefenderForServers", "microsoftDefenderForStorage", "microsoftDefenderForDNS", "microsoftDefenderForDatabases",
        "microsoftDefenderForContainers", "microsoftDefenderForNetwork", "microsoftDefenderForAppService",
        "microsoftDefenderForKeyVault", "microsoftDefenderForResourceManager", "microsoftDefenderForApiManagement", "nrtAlerts",
        "scheduledAlerts", "microsoftDefenderThreatIntelligenceAnalytics", "builtInMl", "microsoftInsiderRiskManagement",
        "microsoftThreatIntelligence", "microsoftDefenderForAIServices", "securityCopilot", "microsoftSentinel",
    ] },
    EnumType { name: "GraphDetectionStatus", members: &[
        "detected", "blocked", "prevented", "unknownFutureValue",
    ] },
    EnumType { name: "GraphDeviceHealthStatus", members: &[
        "active", "inactive", "impairedCommunication", "noSensorData", "noSensorDataImpairedCommunication", "unknown",
        "unknownFutureValue",
    ] },
    EnumType { name: "GraphDeviceRiskScore", members: &[
        "none", "informational", "low", "medium", "high", "unknownFutureValue",
    ] },
    EnumType { name: "GraphEvidenceRemediationStatus", members: &[
        "none", "remediated", "prevented", "blocked", "notFound", "unknownFutureValue", "active", "pendingApproval", "declined",
        "unremediated", "running", "partiallyRemediated",
    ] },
    EnumType { name: "GraphEvidenceRole", members: &[
        "unknown", "contextual", "scanned", "source", "destination", "created", "added", "compromised", "edited", "attacked", "attacker",
        "commandAndControl", "loaded", "suspicious", "policyViolator", "unknownFutureValue",
    ] },
    EnumType { name: "GraphEvidenceVerdict", members: &[
        "unknown", "suspicious", "malicious", "noThreatsFound", "unknownFutureValue",
    ] },
    EnumType { name: "GraphFileHashAlgorithm", members: &[
        "unknown", "md5", "sha1", "sha256", "sha256ac", "unknownFutureValue",
    ] },
    EnumType { name: "GraphGoogleCloudLocationType", members: &[
        "unknown", "regional", "zonal", "global", "unknownFutureValue",
    ] },
    EnumType { name: "GraphIncidentStatus", members: &[
        "active", "resolved", "inProgress", "redirected", "unknownFutureValue", "awaitingAction",
    ] },
    EnumType { name: "GraphInvestigationState", members: &[
        "unknown", "terminated", "successfullyRemediated", "benign", "failed", "partiallyRemediated", "running", "pendingApproval",
        "pendingResource", "queued", "innerFailure", "preexistingAlert", "unsupportedOs", "unsupportedAlertType", "suppressedAlert",
        "partiallyInvestigated", "terminatedByUser", "terminatedBySystem", "unknownFutureValue",
    ] },
    EnumType { name: "GraphIoTDeviceImportanceType", members: &[
        "unknown", "low", "normal", "high", "unknownFutureValue",
    ] },
    EnumType { name: "GraphKubernetesPlatform", members: &[
        "unknown", "aks", "eks", "gke", "arc", "unknownFutureValue",
    ] },
    EnumType { name: "GraphKubernetesServiceType", members: &[
        "unknown", "clusterIP", "externalName", "nodePort", "loadBalancer", "unknownFutureValue",
    ] },
    EnumType { name: "GraphMailboxConfigurationType", members: &[
        "mailForwardingRule", "owaSettings", "ewsSettings", "mailDelegation", "userInboxRule", "unknownFutureValue",
    ] },
    EnumType { name: "GraphOnboardingStatus", members: &[
        "insufficientInfo", "onboarded", "canBeOnboarded", "unsupported", "unknownFutureValue",
    ] },
    EnumType { name: "GraphProtocolType", members: &[
        "tcp", "udp", "unknownFutureValue",
    ] },
    EnumType { name: "GraphServicePrincipalType", members: &[
        "unknown", "application", "managedIdentity", "legacy", "unknownFutureValue",
    ] },
    EnumType { name: "GraphServiceSource", members: &[
        "unknown", "microsoftDefenderForEndpoint", "microsoftDefenderForIdentity", "microsoftDefenderForCloudApps",
        "microsoftDefenderForOffice365", "microsoft365Defender", "azureAdIdentityProtection", "microsoftAppGovernance",
        "dataLossPrevention", "unknownFutureValue", "microsoftDefenderForCloud", "microsoftSentinel", "microsoftInsiderRiskManagement",
        "microsoftThreatIntelligence", "microsoftSecurityForAI",
    ] },
    EnumType { name: "GraphTeamsDeliveryLocation", members: &[
        "unknown", "teams", "quarantine", "failed", "unknownFutureValue",
    ] },
    EnumType { name: "GraphTeamsMessageDeliveryAction", members: &[
        "unknown", "deliveredAsSpam", "delivered", "blocked", "replaced", "unknownFutureValue",
    ] },
    EnumType { name: "GraphVmCloudProvider", members: &[
        "unknown", "azure", "unknownFutureValue",
    ] },
    EnumType { name: "IncidentStatus", members: &[
        "Active", "Resolved", "InProgress", "Redirected",
    ] },
    EnumType { name: "IndicatorAction", members: &[
        "Allowed", "Alert", "AlertAndBlock", "Warn", "Block", "Audit", "BlockAndRemediate",
    ] },
    EnumType { name: "IndicatorSeverity", members: &[
        "Informational", "Low", "Medium", "High",
    ] },
    EnumType { name: "IndicatorType", members: &[
        "FileSha1", "FileSha256", "FileMd5", "IpAddress", "DomainName", "Url", "CertificateThumbprint",
        "ProcessMemorySimilarityHash", "WebCategory",
    ] },
    EnumType { name: "InterfaceType", members: &[
        "Unknown", "Other", "Ethernet", "TokenRing", "PPP", "SoftwareLoopback", "ATM", "IEEE80211", "Tunnel", "IEEE1394",
    ] },
    EnumType { name: "InvestigationState", members: &[
        "Unknown", "Terminated", "SuccessfullyRemediated", "Benign", "Failed", "PartiallyRemediated", "Running", "PendingApproval",
        "PendingResource", "Disabled", "Queued", "InnerFailure", "PreexistingAlert", "UnsupportedOs", "UnsupportedAlertType",
        "SuppressedAlert", "PartiallyInvestigated", "TerminatedByUser", "TerminatedBySystem",
    ] },
    EnumType { name: "IpInterfaceOperationalStatus", members: &[
        "Up", "Down", "Testing", "Unknown", "Dormant", "Present", "LowerLayerDown",
    ] },
    EnumType { name: "KnownRequestSource", members: &[
        "Unspecified", "PublicApi", "Portal", "MCAS", "TVM", "CustomDetection", "BulkAction", "ISG", "NDR", "EndpointConfigManagement",
        "IncidentTasks", "MDI", "ActiveScan",
    ] },
    EnumType { name: "LinuxAuthType", members: &[
        "Password", "PrivateKey",
    ] },
    EnumType { name: "MachineConfigurationStatus", members: &[
        "Valid", "UnsupportedOs", "InactiveAV", "NotificationsDisabled", "MissingUpdate",
    ] },
    EnumType { name: "MachineHealthStatus", members: &[
        "Active", "Inactive", "ImpairedCommunication", "NoSensorData", "NoSensorDataImpairedCommunication", "Unknown",
    ] },
    EnumType { name: "OnboardingStatus", members: &[
        "InsufficientInfo", "Onboarded", "CanBeOnboarded", "Unsupported",
    ] },
    EnumType { name: "OperatorType", members: &[
        "StartsWith", "EndsWith", "Equals", "Contains", "In",
    ] },
    EnumType { name: "RecommendationExceptionStatus", members: &[
        "Active", "Exception", "PartialException",
    ] },
    EnumType { name: "RemediationTaskCategory", members: &[
        "Software", "SecurityConfiguration",
    ] },
    EnumType { name: "RemediationTaskCompletion", members: &[
        "Manual", "Automatic",
    ] },
    EnumType { name: "RemediationTaskImpact", members: &[
        "AllExposedAssets", "NonImpactedAssets",
    ] },
    EnumType { name: "RemediationTaskPriority", members: &[
        "None", "Low", "Medium", "High",
    ] },
    EnumType { name: "RemediationTaskStatus", members: &[
        "Active", "Completed",
    ] },
    EnumType { name: "RemediationTaskType", members: &[
        "Update", "Uninstall", "ConfigurationChange", "AttentionRequired", "Upgrade", "FirmwareUpdate",
    ] },
    EnumType { name: "RiskScore", members: &[
        "None", "Informational", "Low", "Medium", "High",
    ] },
    EnumType { name: "ScanStatus", members: &[
        "Success", "Fail",
    ] },
    EnumType { name: "ServiceSource", members: &[
        "Unspecified", "MicrosoftDefenderForEndpoint", "MicrosoftDefenderForIdentity", "MicrosoftCloudAppSecurity",
        "MicrosoftDefenderForOffice365", "Microsoft365Defender", "AADIdentityProtection", "MicrosoftApplicationProtection",
        "MicrosoftEndPointDlp", "UnknownFutureValue", "MicrosoftDefenderForCloud", "MicrosoftSentinel", "MicrosoftInsiderRiskManagement",
    ] },
    EnumType { name: "SnmpAuthType", members: &[
        "CommunityString", "NoAuthNoPriv", "AuthNoPriv", "AuthPriv",
    ] },
    EnumType { name: "TargetType", members: &[
        "Ip", "Hostname", "Combined",
    ] },
    EnumType { name: "VmCloudProvider", members: &[
        "Unknown", "Azure",
    ] },
    EnumType { name: "VulnerabilityExceptionStatus", members: &[
        "RemediationRequired", "NoActionRequired", "UnderException", "PartialException",
    ] },
    EnumType { name: "WindowsAuthType", members: &[
        "None", "Ntlm", "Kerberos", "Negotiate",
    ] },
];

/// Classifications on Graph.
#[rustfmt::skip]
pub const GRAPH_CLASSIFICATION: &[&str] = &[
    "unknown", "falsePositive", "truePositive", "informationalExpectedActivity",
];

/// Determinations on Graph.
#[rustfmt::skip]
pub const GRAPH_DETERMINATION: &[&str] = &[
    "unknown", "apt", "malware", "securityPersonnel", "securityTesting", "unwantedSoftware", "other", "multiStagedAttack", "compromisedAccount", "phishing", "maliciousUserActivity", "notMalicious", "notEnoughDataToValidate", "confirmedActivity", "lineOfBusinessApplication",
];
