# Terraform, cisco-aci, to configure the cluster 01:00:5e:7f:02:64
# The VIP stands as a /32 subnet with no-default-gateway under the EPG, not
# under the bridge domain. The static MAC must be a group MAC.
# The member ports are the EPG's static paths; they are not named here.
# Where the APIC is and how to log in belongs into a provider block of your
# own. To remove a VIP, remove its resource and apply.
# This form: vendor [aci-subnet]
terraform {
  required_providers {
    aci = {
      source  = "CiscoDevNet/aci"
      version = ">= 2.1.0"
    }
  }
}

# vendor [aci-subnet]
resource "aci_subnet" "nlb_192_0_2_100" {
  parent_dn = "uni/tn-Prod/ap-Web/epg-Frontend"
  ip        = "192.0.2.100/32"
  scope     = ["private"]
  ctrl      = ["no-default-gateway"]

  msnlb {
    mode  = "mode-mcast-igmp"
    group = "239.255.2.100"
  }
}

resource "aci_subnet" "nlb_192_0_2_101" {
  parent_dn = "uni/tn-Prod/ap-Web/epg-Frontend"
  ip        = "192.0.2.101/32"
  scope     = ["private"]
  ctrl      = ["no-default-gateway"]

  msnlb {
    mode  = "mode-mcast-igmp"
    group = "239.255.2.100"
  }
}
