package abi

import "structs"

// Commands of xen_version (version.h, XENVER_*).
const (
	XenVerVersion            = 0 // result: major<<16 | minor
	XenVerExtraVersion       = 1
	XenVerCompileInfo        = 2
	XenVerCapabilities       = 3
	XenVerChangeset          = 4
	XenVerPlatformParameters = 5
	XenVerGetFeatures        = 6
	XenVerPageSize           = 7
	XenVerGuestHandle        = 8
	XenVerCommandLine        = 9
	XenVerBuildID            = 10
)

// XenFeatureInfo is struct xen_feature_info.
type XenFeatureInfo struct {
	_         structs.HostLayout
	SubmapIdx uint32 // which 32 features
	Submap    uint32 // result: one bit each
}

// Bit numbers of feature submap 0 (features.h, XENFEAT_*).
const (
	FeatWritablePageTables       = 0
	FeatWritableDescriptorTables = 1
	FeatAutoTranslatedPhysmap    = 2
	FeatSupervisorModeKernel     = 3
	FeatPAEPgdirAbove4GB         = 4
	FeatMMUPTUpdatePreserveAD    = 5
	FeatHighmemAssist            = 6
	FeatGnttabMapAvailBits       = 7
	FeatHVMCallbackVector        = 8
	FeatHVMSafePVClock           = 9
	FeatHVMPIRQs                 = 10
	FeatDom0                     = 11
	FeatMemoryOpVnodeSupported   = 13
	FeatLinuxRSDPUnrestricted    = 15
	FeatNotDirectMapped          = 16
	FeatDirectMapped             = 17
)
