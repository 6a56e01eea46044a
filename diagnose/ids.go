package diagnose

// The ids of findings that others ask about by name. They are part of the JSON
// contract, as all ids are.
const (
	VIPOffLink       = idOffLink        // this host is not on the VIP's subnet
	RouterNotTested  = idRouterUntested // no router was tested
	RouterReachesVIP = idRouterReaches  // a router is proven, or seems, to reach the VIP
)
