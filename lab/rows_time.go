package lab

func timeRows() []Row { return nil }
