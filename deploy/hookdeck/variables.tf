variable "name" {
  description = "Of the source and of the connection; the destination is NAME-ingress, the transformation NAME-token."
  type        = string
  default     = "github"
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.name))
    error_message = "Hookdeck's names have letters, digits, _ and - only."
  }
}

variable "ingress_url" {
  description = "The hook's whole address, as in https://hooks.example.com/hooks/github."
  type        = string
  validation {
    condition     = can(regex("^https://", var.ingress_url))
    error_message = "The token and the payload cross the internet: use https."
  }
}

variable "source_type" {
  description = "One of Hookdeck's source types: GITHUB, GITLAB, STRIPE, …"
  type        = string
  default     = "GITHUB"
}

variable "source_auth" {
  description = "How Hookdeck verifies the sender; for GITHUB {webhook_secret_key = …}, for GITLAB {api_key = …}."
  type        = map(string)
  sensitive   = true
}

variable "token" {
  description = "The caller's token, from sallyport token issue."
  type        = string
  sensitive   = true
}

variable "concurrent" {
  description = "Deliveries that may be open at once. Below the hook's `concurrency`, or the rest is answered 429."
  type        = number
  default     = 4
  validation {
    condition     = var.concurrent >= 1 && floor(var.concurrent) == var.concurrent
    error_message = "A whole number from 1 on."
  }
}
