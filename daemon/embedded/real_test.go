package embedded

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"chat/daemon/embedded/enginetest"
	"chat/internal/services"
)

func TestARealRedisBehavesTheSame(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) *redis.Options { return services.Redis(t) })
}
