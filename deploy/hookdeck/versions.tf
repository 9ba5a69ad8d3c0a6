terraform {
  required_version = ">= 1.0"
  required_providers {
    hookdeck = {
      source  = "hookdeck/hookdeck"
      version = "~> 3.0"
    }
  }
}

# The key comes from HOOKDECK_API_KEY.
provider "hookdeck" {}
